//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestTheCacheIsShared fills a key through one replica and wants it from every other one.
func TestTheCacheIsShared(t *testing.T) {
	mustScript(t, "deploy", "redis")
	path := fmt.Sprintf("/api/misc/heavy?name=shared-%d", time.Now().UnixNano())
	_, first := get(t, path)
	asked := map[string]bool{}
	for tries := 0; len(asked) < 3; tries++ {
		response, body := get(t, path)
		if body != first || !strings.Contains(response.Header.Get("Cache-Status"), "hit") {
			t.Errorf("%s answers %q, Cache-Status %q, want the kept %q",
				response.Header.Get("X-Served-By"), body, response.Header.Get("Cache-Status"), first)
		}
		asked[response.Header.Get("X-Served-By")] = true
		if tries == 100 {
			t.Fatalf("100 reads reached %d of 3 replicas", len(asked))
		}
	}
}
