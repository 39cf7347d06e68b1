package cdn_test

import (
	"testing"

	"github.com/woodytoys/woodytoys/internal/malformed"
)

// TestMalformedRequests sends the corpus to the edge. What it mends must not become two requests for an origin.
func TestMalformedRequests(t *testing.T) {
	edge := mustStartEdge(t, []string{mustStartFront(t).Addr})
	for _, request := range malformed.Requests() {
		if err := malformed.CheckProxied(edge.Addr, request); err != nil {
			t.Errorf("%q: %v", request.Name, err)
		}
	}
}
