package httpcache_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/httpcache"
)

// held is a handler that answers the first request only when it is released.
type held struct{ begun, release chan struct{} }

func newHeld() *held { return &held{make(chan struct{}), make(chan struct{})} }

// joinHeld has alice's request fill and bob's join it, and returns what both got.
func (h *held) joinHeld(p *program, path string) (alice, bob reply) {
	p.t.Helper()
	first := p.goGet(path, "X-Caller: alice")
	<-h.begun
	second := p.goGet(path, "X-Caller: bob")
	p.mustWait(2)
	close(h.release)
	return <-first, <-second
}

// TestJoinedCallersGetNobodysOwnAnswer checks that bob, who waits for alice's fill, does not get a response that turns
// out to be for alice alone.
func TestJoinedCallersGetNobodysOwnAnswer(t *testing.T) {
	for name, mark := range map[string]http.HandlerFunc{
		"private": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", "private, no-store")
		},
		"a cookie": func(w http.ResponseWriter, r *http.Request) {
			http.SetCookie(w, &http.Cookie{Name: "session", Value: r.Header.Get("X-Caller")})
		},
		"Vary":     func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Vary", "X-Caller") },
		"a stream": func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush() },
		"a part":   status(206),
		"too long": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, strings.Repeat("-", 100)) },
		"trailers": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Trailer", "X-Sum") },
		"private absence": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", "private")
			w.WriteHeader(404)
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHeld()
			var asked atomic.Int64
			o := httpcache.Options{Options: cache.Options{NegativeTTL: time.Minute}, MaxBody: 100}
			p := mustServe(t, o, func(w http.ResponseWriter, r *http.Request) {
				if asked.Add(1) == 1 {
					close(h.begun)
					<-h.release
				}
				mark(w, r)
				io.WriteString(w, "the secrets of "+r.Header.Get("X-Caller"))
			})
			alice, bob := h.joinHeld(p, "/toys/1")
			for who, got := range map[string]reply{"alice": alice, "bob": bob} {
				if got.err != nil || !strings.HasSuffix(got.body, "the secrets of "+who) {
					t.Errorf("%s got %q, %v (%s)", who, got.body, got.err, got.header.Get("Cache-Status"))
				}
			}
			if got, want := bob.header.Get("Cache-Status"), "origin, near; fwd=bypass; detail=not-shared"; got != want {
				t.Errorf("bob's Cache-Status = %q, want %q", got, want)
			}
			p.wantHit(false, "/toys/1")
		})
	}
}

func TestJoinedCallersGetTheFailureWithItsFields(t *testing.T) {
	h := newHeld()
	var asked atomic.Int64
	p := mustServe(t, httpcache.Options{}, func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		close(h.begun)
		<-h.release
		w.Header().Set("Retry-After", "7")
		http.Error(w, "busy", http.StatusServiceUnavailable)
	})
	alice, bob := h.joinHeld(p, "/toys/1")
	for who, got := range map[string]reply{"alice": alice, "bob": bob} {
		if got.status != 503 || got.body != "busy\n" || got.header.Get("Retry-After") != "7" || asked.Load() != 1 {
			t.Errorf("%s got %d %q, Retry-After %q, after %d calls",
				who, got.status, got.body, got.header.Get("Retry-After"), asked.Load())
		}
	}
}

// TestHeadLeavesNothingForGet asks with HEAD first, of handlers that answer it with less.
func TestHeadLeavesNothingForGet(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"a file": func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "doc.go") },
		"a method-aware handler": func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				io.WriteString(w, "package httpcache")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := mustServe(t, httpcache.Options{}, handler)
			p.call(http.MethodHead, "/toys/1")
			if got := p.get("/toys/1"); !strings.Contains(got.body, "package httpcache") {
				t.Errorf("GET after HEAD: %d %q", got.status, got.body)
			}
		})
	}
}

// TestARefreshThatDoesNotArrive checks that callers get the handler's response when middleware responds to the cache's
// own request for a refresh.
func TestARefreshThatDoesNotArrive(t *testing.T) {
	const ttl = time.Second
	stopped := make(chan struct{}, 100)
	p := mustServe(t, httpcache.Options{Options: cache.Options{TTL: ttl, RefreshAhead: 0.1}}, text("x"),
		around(func(next http.Handler, w http.ResponseWriter, r *http.Request) {
			if httpcache.IsRefresh(r.Context()) {
				stopped <- struct{}{}
				time.Sleep(ttl) // until the entry has expired and callers have joined
				w.WriteHeader(429)
				return
			}
			next.ServeHTTP(w, r)
		}))
	for done := false; !done; {
		p.get("/toys/1")
		select {
		case <-stopped:
			done = true
		default:
		}
	}
	for until := time.Now().Add(2 * ttl); time.Now().Before(until); {
		if got := p.get("/toys/1"); got.status != 200 || got.body != "x" {
			t.Fatalf("got %d %q", got.status, got.body)
		}
	}
}

// TestFieldsOfOtherMiddlewareAreNotKept checks that a hit has the header field that middleware before the cache sets
// for this request, not one that was stored, though fields of that name are kept.
func TestFieldsOfOtherMiddlewareAreNotKept(t *testing.T) {
	var n atomic.Int64
	p := mustServe(t, httpcache.Options{Keep: []string{"x-toy"}}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["x-TOY"] = []string{"train"}
		w.Header().Add("Vary", "Accept")
		io.WriteString(w, "x")
	}, around(func(next http.Handler, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", fmt.Sprint("nonce-", n.Add(1)))
		next.ServeHTTP(w, r)
	}))
	p.wantHit(true, "/toys/1")
	got := p.get("/toys/1").header
	if got.Get("Content-Security-Policy") != "nonce-3" || got.Get("X-Toy") != "train" || got.Get("Vary") != "Accept" {
		t.Errorf("a hit has %v", got)
	}
}
