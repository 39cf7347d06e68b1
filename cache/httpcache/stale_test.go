package httpcache_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/httpcache"
)

// TestAStaleAnswerInPlaceOfAFailure checks that when the handler fails after the TTL, its caller gets the stale
// response and nothing of the failure, and so does one who joined, while those who come within RetryAfter do not call
// it. After an invalidation they get the failure.
func TestAStaleAnswerInPlaceOfAFailure(t *testing.T) {
	h := newHeld()
	var asked atomic.Int64
	o := httpcache.Options{
		Options: cache.Options{TTL: 50 * time.Millisecond, MaxStale: time.Hour, RetryAfter: time.Hour}, Tags: rowTags}
	p := mustServe(t, o, func(w http.ResponseWriter, _ *http.Request) {
		switch asked.Add(1) {
		case 1:
			w.Header().Set("Link", "</good>")
			w.Write([]byte("good"))
			return
		case 2:
			close(h.begun)
			<-h.release
		}
		w.Header().Set("Retry-After", "7")
		w.Header().Set("X-Failure", "here")
		http.Error(w, "busy", http.StatusServiceUnavailable)
	}, around(func(next http.Handler, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Request-Id", "1")
		next.ServeHTTP(w, r)
	}))
	p.get("/toys/1")
	time.Sleep(60 * time.Millisecond) // its TTL
	alice, bob := h.joinHeld(p, "/toys/1")
	late := p.get("/toys/1", `If-None-Match: "other"`)
	for status, got := range map[string]reply{
		"near; fwd=stale; fwd-status=503; ttl=0; detail=stale-on-error":            alice,
		"near; fwd=stale; collapsed; fwd-status=503; ttl=0; detail=stale-on-error": bob,
		"near; hit; ttl=0; detail=stale-on-error":                                  late,
	} {
		if got.status != 200 || got.body != "good" || got.header.Get("Link") != "</good>" ||
			got.header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("%s: %d %q %v, want the good answer", status, got.status, got.body, got.header)
		}
		if got.header.Get("Retry-After")+got.header.Get("X-Failure")+got.header.Get("X-Content-Type-Options") != "" ||
			got.header.Get("X-Request-Id") != "1" {
			t.Errorf("%s: %v, want nothing of the failure, and all of what is around", status, got.header)
		}
		if is := got.header.Get("Cache-Status"); is != status {
			t.Errorf("Cache-Status = %q, want %q", is, status)
		}
	}
	if n := asked.Load(); n != 2 {
		t.Errorf("the handler was asked %d times, want 2", n)
	}
	p.cache.Invalidate("row")
	if got := p.get("/toys/1"); got.status != 503 || got.header.Get("Retry-After") != "7" {
		t.Errorf("after an invalidation: %d %q, want the failure", got.status, got.body)
	}
}

// TestAPanicIsAFailure checks that a panic counts as a failure: the caller whose request the handler has gets the
// panic, and others the stale response.
func TestAPanicIsAFailure(t *testing.T) {
	h := newHeld()
	var asked atomic.Int64
	o := httpcache.Options{Options: cache.Options{TTL: 50 * time.Millisecond, MaxStale: time.Hour}}
	p := mustServe(t, o, func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 1 {
			w.Write([]byte("good"))
			return
		}
		close(h.begun)
		<-h.release
		panic(http.ErrAbortHandler)
	})
	p.get("/toys/1")
	time.Sleep(60 * time.Millisecond)                              // its TTL
	http.DefaultTransport.(*http.Transport).CloseIdleConnections() // on which it would ask again
	alice, bob := h.joinHeld(p, "/toys/1")
	if alice.err == nil || bob.body != "good" ||
		!strings.HasSuffix(bob.header.Get("Cache-Status"), "; detail=stale-on-error") {
		t.Errorf("alice got %+v, bob %d %q (%s)", alice, bob.status, bob.body, bob.header.Get("Cache-Status"))
	}
}
