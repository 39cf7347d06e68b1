package httpcache_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/httpcache"
)

// pooled is middleware that, as chi does, hangs something on each request that it uses again for the next one.
func pooled(next http.Handler, w http.ResponseWriter, r *http.Request) {
	if _, within := r.Context().Value(hungKey{}).(*atomic.Value); within { // another router
		next.ServeHTTP(w, r)
		return
	}
	own := &atomic.Value{}
	own.Store(r.URL.Path)
	next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), hungKey{}, own)))
	own.Store("another request's")
}

type hungKey struct{}

func hung(r *http.Request) string {
	return r.Context().Value(hungKey{}).(*atomic.Value).Load().(string)
}

// TestALateAnswer checks that after the timeout the caller gets a stale response, or 503 if there is none, and that the
// late response is stored, though its caller's request is over.
func TestALateAnswer(t *testing.T) {
	goOn, done := make(chan bool), make(chan bool, 10)
	var late atomic.Bool
	o := httpcache.Options{Options: cache.Options{
		TTL: time.Hour, MaxStale: time.Hour, SoftTimeout: 20 * time.Millisecond, HardTimeout: 40 * time.Millisecond,
		LateTimeout: time.Hour,
	}}
	p := mustServe(t, o, func(w http.ResponseWriter, r *http.Request) {
		if late.Load() {
			<-goOn
			defer func() { done <- true }()
		}
		io.WriteString(w, hung(r))
	}, around(pooled))
	late.Store(true)
	if got := p.get("/toys/1"); got.status != 503 {
		t.Errorf("without an answer: %d %q, want 503", got.status, got.body)
	}
	goOn <- true
	<-done
	for deadline := time.Now().Add(time.Minute); ; {
		got := p.get("/toys/1")
		if got.status == 200 && got.body == "/toys/1" &&
			strings.HasPrefix(got.header.Get("Cache-Status"), "near; hit") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("when the late answer is there: %d %q (%s)", got.status, got.body, got.header.Get("Cache-Status"))
		}
	}
}

// TestALateAnswerWithAStaleOne checks that a stale answer is sent in place of one that is late, where there is one.
func TestALateAnswerWithAStaleOne(t *testing.T) {
	goOn := make(chan bool)
	var asked atomic.Int64
	o := httpcache.Options{Options: cache.Options{
		TTL: 50 * time.Millisecond, MaxStale: time.Hour, SoftTimeout: 20 * time.Millisecond, LateTimeout: time.Hour,
	}}
	p := mustServe(t, o, func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 2 {
			<-goOn
		}
		io.WriteString(w, hung(r))
	}, around(pooled))
	p.get("/toys/1")
	time.Sleep(60 * time.Millisecond) // its TTL
	got := p.get("/toys/1")
	if got.body != "/toys/1" || !strings.HasSuffix(got.header.Get("Cache-Status"), "; detail=stale-on-error") {
		t.Errorf("with a stale answer: %d %q (%s)", got.status, got.body, got.header.Get("Cache-Status"))
	}
	close(goOn)
}

// TestAnOwnAnswerWithATimeout checks that with a HardTimeout, where fills run without a caller's request, each caller
// still gets its own private response or stream.
func TestAnOwnAnswerWithATimeout(t *testing.T) {
	o := httpcache.Options{Options: cache.Options{HardTimeout: time.Hour}}
	for name, mark := range map[string]func(http.ResponseWriter){
		"private": func(w http.ResponseWriter) { w.Header().Set("Cache-Control", "private") },
		"stream":  func(w http.ResponseWriter) { w.(http.Flusher).Flush() },
	} {
		p := mustServe(t, o, func(w http.ResponseWriter, r *http.Request) {
			mark(w)
			io.WriteString(w, hung(r)+r.Header.Get("Who"))
		}, around(pooled))
		for _, who := range []string{"alice", "bob"} {
			if got := p.get("/toys/1", "Who: "+who); got.body != "/toys/1"+who {
				t.Errorf("%s: %s got %q", name, who, got.body)
			}
		}
	}
}

// TestAPageOfParts checks that a handler which requests the parts of its page through the same mux, with its own
// context, gets them also while the page is refreshed.
func TestAPageOfParts(t *testing.T) {
	var mux *http.ServeMux
	refreshed := make(chan struct{}, 100)
	o := httpcache.Options{Options: cache.Options{TTL: 2 * time.Second, RefreshAhead: 0.1}}
	p := mustServe(t, o, func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("id") != "page" {
			io.WriteString(w, "part "+r.PathValue("id"))
			return
		}
		if httpcache.IsRefresh(r.Context()) {
			defer func() { refreshed <- struct{}{} }()
		}
		for _, path := range []string{"/toys/1", "/toys/2"} {
			part := httptest.NewRecorder()
			mux.ServeHTTP(part, httptest.NewRequestWithContext(r.Context(), "GET", path, nil))
			io.WriteString(w, part.Body.String()+";")
		}
	}, func(s *site) { mux = s.mux })
	for done := false; !done; {
		if got := p.get("/toys/page"); got.body != "part 1;part 2;" {
			t.Fatalf("the page is %q", got.body)
		}
		select {
		case <-refreshed:
			done = true
		default:
		}
	}
	p.cache.Close()
	if got := p.get("/toys/page"); got.body != "part 1;part 2;" {
		t.Errorf("the refreshed page is %q", got.body)
	}
}
