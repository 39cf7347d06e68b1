package serving

import (
	"fmt"
	"net"
	"net/http"
	"time"
)

// HealthcheckTimeout is how long Healthcheck waits for an answer: less than containers' health checks may take. Tests
// have it longer, on a machine that is busy with others.
var HealthcheckTimeout = 8 * time.Second

// Healthcheck returns nil when the program that listens on addr responds on /readyz that it wants
// requests. Where a file is named, the program is the one that announced itself in it, at its WOODY_ADDR. It is for
// container health checks, which have no curl.
func Healthcheck(addr, file string) error {
	if file != "" {
		announced, err := ReadAnnouncement(file)
		if err != nil {
			return fmt.Errorf("not ready: %w", err)
		}
		addr = announced["WOODY_ADDR"]
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("the address %q is not HOST:PORT", addr)
	}
	if host == "" || net.ParseIP(host).IsUnspecified() {
		host = "127.0.0.1"
	}
	client := http.Client{Timeout: HealthcheckTimeout}
	response, err := client.Get("http://" + net.JoinHostPort(host, port) + "/readyz")
	if err != nil {
		return fmt.Errorf("not ready: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: /readyz answers %s", response.Status)
	}
	return nil
}
