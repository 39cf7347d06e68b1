package reverseproxy_test

import (
	"testing"

	"github.com/woodytoys/woodytoys/internal/malformed"
	"github.com/woodytoys/woodytoys/internal/programs"
)

// TestMalformedRequests sends the corpus through the proxy. What it mends must not become two requests for a replica.
func TestMalformedRequests(t *testing.T) { inBothWays(t, testMalformedRequests) }

func testMalformedRequests(t *testing.T, w way) {
	proxy := w.mustStart(t, programs.HAProxyConfig{})
	for _, request := range malformed.Requests() {
		if err := malformed.CheckProxiedOver(mustDial(t, proxy), request); err != nil {
			t.Errorf("%q: %v", request.Name, err)
		}
	}
}
