package main

import (
	"net/http"
	"testing"
)

// TestTheWorkerNamesTheRequest checks that the log's line about a processed order names the request that it came with,
// also without traces.
func TestTheWorkerNamesTheRequest(t *testing.T) {
	t.Parallel()
	r := mustStartReplica(t, "WOODY_LOG_LEVEL=debug", "WOODY_HEAVY_DELAY=0")
	request, err := http.NewRequest(http.MethodGet, r.URL+"/api/orders/do?order=Yoyo", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Request-Id", "follow-me")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if err := r.AwaitLog(`msg="order validated" `); err != nil {
		t.Fatal(err)
	}
	if err := r.AwaitLog(` request=follow-me trace="" cache`); err != nil { // the request's own line
		t.Error(err)
	}
	if err := r.AwaitLog(` request=follow-me trace=""` + "\n"); err != nil { // the worker's
		t.Error(err)
	}
}
