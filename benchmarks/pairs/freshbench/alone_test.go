package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// TestAWriteThatFailsHasNoTime adds products to a shop that refuses them at once.
func TestAWriteThatFailsHasNoTime(t *testing.T) {
	var asked atomic.Int64
	enough := make(chan struct{})
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 10 {
			close(enough)
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer shop.Close()
	end, err := writeAlone(shop.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	<-enough
	if shown := end(); !strings.Contains(shown, " of 0\n") || !strings.Contains(shown, "failed beside them") ||
		strings.HasSuffix(shown, " 0\n") {
		t.Errorf("it shows %q, want no times and that all failed", shown)
	}
}
