package measure

import (
	"fmt"
	"io"
	"net/http"
)

// readAll returns the body of an answer that must be 200.
func readAll(answer *http.Response, address string) ([]byte, error) {
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s", address, answer.Status)
	}
	return body, err
}
