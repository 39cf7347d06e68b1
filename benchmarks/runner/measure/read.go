package measure

import (
	"fmt"
	"io"
	"net/http"
)

// readAll returns the body of a response that must be 200.
func readAll(response *http.Response, address string) ([]byte, error) {
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s", address, response.Status)
	}
	return body, err
}
