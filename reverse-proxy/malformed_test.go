package reverseproxy_test

import (
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/internal/malformed"
	"github.com/woodytoys/woodytoys/internal/programs"
)

// TestMalformedRequests sends the corpus through the proxy. What it mends must not become two requests for a replica.
func TestMalformedRequests(t *testing.T) {
	proxy := mustStart(t, programs.HAProxyConfig{})
	for _, request := range malformed.Requests() {
		if err := malformed.CheckProxied(strings.TrimPrefix(proxy.URL, "http://"), request); err != nil {
			t.Errorf("%q: %v", request.Name, err)
		}
	}
}
