package httpcache_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/httpcache"
)

// What may be around the cache, and between it and the handler.

// TestATimeoutAroundTheCache checks that a request timed out by http.TimeoutHandler gets 503 while the shared load
// continues for the other caller.
func TestATimeoutAroundTheCache(t *testing.T) {
	h := newHeld()
	timedOut := make(chan struct{})
	p := mustServe(t, httpcache.Options{}, func(w http.ResponseWriter, _ *http.Request) {
		close(h.begun)
		<-h.release
		io.WriteString(w, "x")
	}, around(func(next http.Handler, w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Caller") != "alice" {
			next.ServeHTTP(w, r)
			return
		}
		ctx, cancel := context.WithCancel(r.Context())
		go func() { <-timedOut; cancel() }()
		http.TimeoutHandler(next, time.Hour, "late").ServeHTTP(w, r.WithContext(ctx))
	}))
	alice := p.goGet("/toys/1", "X-Caller: alice")
	<-h.begun
	bob := p.goGet("/toys/1")
	p.mustWait(2)
	close(timedOut)
	if got := <-alice; got.status != 503 {
		t.Errorf("alice got %d %q", got.status, got.body)
	}
	p.mustWait(1)
	close(h.release)
	if got := <-bob; got.body != "x" {
		t.Errorf("bob got %d %q", got.status, got.body)
	}
	p.wantHit(true, "/toys/1")
}

// TestATimeoutBehindTheCache checks that a timed-out handler's 503 is passed on and not cached, and that what the
// handler does afterwards has no effect.
func TestATimeoutBehindTheCache(t *testing.T) {
	var asked atomic.Int64
	goOn, done := make(chan bool), make(chan bool)
	slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 1 {
			<-goOn
			defer close(done)
		}
		httpcache.Tag(r.Context(), "late")
		io.WriteString(w, "x")
	})
	p := mustServe(t, httpcache.Options{}, func(w http.ResponseWriter, r *http.Request) {
		timeout := time.Hour
		if asked.Load() == 0 {
			timeout = time.Nanosecond
		}
		http.TimeoutHandler(slow, timeout, "late").ServeHTTP(w, r)
	})
	if got := p.get("/toys/1"); got.status != 503 || got.body != "late" {
		t.Errorf("got %d %q", got.status, got.body)
	}
	close(goOn)
	<-done
	p.wantHit(true, "/toys/1")
}

// TestHTTP2 asks the same over HTTP/2, all on one connection.
func TestHTTP2(t *testing.T) {
	c, err := cache.New(cache.Config{})
	if err != nil {
		t.Fatal(err)
	}
	cached, err := httpcache.New(c, httpcache.Options{Options: cache.Options{Name: "toy", TTL: time.Minute}})
	if err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int64
	server := httptest.NewUnstartedServer(cached(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.URL.Path == "/stream" {
			http.NewResponseController(w).Flush()
		}
		io.WriteString(w, r.Proto)
	})))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	if _, err := server.Client().Get(server.URL + "/kept"); err != nil { // so that there is a connection for all
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 50 {
		for _, path := range []string{"/kept", "/stream"} {
			group.Go(func() {
				response, err := server.Client().Get(server.URL + path)
				if err != nil {
					t.Error(err)
					return
				}
				defer response.Body.Close()
				if body, err := io.ReadAll(response.Body); string(body) != "HTTP/2.0" || err != nil {
					t.Errorf("%s: %q, %v", path, body, err)
				}
			})
		}
	}
	group.Wait()
	if got := asked.Load(); got != 51 {
		t.Errorf("the handler was asked %d times, want once for what is kept and 50 times for streams", got)
	}
	request, _ := http.NewRequest(http.MethodHead, server.URL+"/kept", nil)
	request.Header.Set("If-None-Match", "*")
	if response, err := server.Client().Do(request); err != nil || response.StatusCode != 304 {
		t.Errorf("HEAD with a condition: %v, %v", response, err)
	}
}

// TestNothingIsLeftBehind counts goroutines of the cache after fills, joins, callers who left, and Close.
func TestNothingIsLeftBehind(t *testing.T) {
	p := mustServe(t, httpcache.Options{Options: cache.Options{TTL: 10 * time.Millisecond, RefreshAhead: 0.5}},
		func(w http.ResponseWriter, r *http.Request) {
			switch r.PathValue("id") {
			case "1":
				w.(http.Flusher).Flush()
			case "2":
				panic(http.ErrAbortHandler)
			}
			io.WriteString(w, "x")
		})
	var group sync.WaitGroup
	for i := range 300 {
		group.Go(func() {
			ctx, cancel := context.WithCancel(context.Background())
			if i%3 == 0 {
				time.AfterFunc(time.Duration(i)*10*time.Microsecond, cancel)
			}
			p.ask(ctx, "GET", "/toys/"+string(rune('0'+i%4)))
			cancel()
		})
	}
	group.Wait()
	p.cache.Close()
	stacks := make([]byte, 1<<20)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		text := string(stacks[:runtime.Stack(stacks, true)])
		if !strings.Contains(text, "/cache/httpcache.(") && !strings.Contains(text, "/cache.(") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("goroutines are left:\n%s", text)
		}
	}
}

// TestOneCacheInAnother nests two cache middlewares, and checks that a refresh of the outer one calls the handler,
// though the inner one has a response.
func TestOneCacheInAnother(t *testing.T) {
	var asked atomic.Int64
	refreshed := make(chan struct{}, 100)
	p := mustServe(t, httpcache.Options{}, text("x"), func(s *site) {
		var whole [2]func(http.Handler) http.Handler
		for i, o := range []cache.Options{
			{Name: "outer", TTL: 2 * time.Second, RefreshAhead: 0.1}, {Name: "inner", TTL: time.Hour},
		} {
			var err error
			if whole[i], err = httpcache.New(s.cache, httpcache.Options{Options: o}); err != nil {
				t.Fatal(err)
			}
		}
		s.mux.Handle("/nested", whole[0](whole[1](http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked.Add(1)
			if httpcache.IsRefresh(r.Context()) {
				refreshed <- struct{}{}
			}
			io.WriteString(w, "x")
		}))))
	})
	for done, deadline := false, time.Now().Add(time.Minute); !done; {
		if got := p.get("/nested"); got.body != "x" || time.Now().After(deadline) {
			t.Fatalf("got %d %q, and no refresh", got.status, got.body)
		}
		select {
		case <-refreshed:
			done = true
		default:
		}
	}
}

// TestARefreshThatBecameAnother checks that nothing is stored under a key whose refresh middleware has sent to another
// path.
func TestARefreshThatBecameAnother(t *testing.T) {
	refreshed := make(chan struct{}, 100)
	o := httpcache.Options{Options: cache.Options{TTL: 2 * time.Second, RefreshAhead: 0.1}}
	p := mustServe(t, o, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.PathValue("id")) },
		around(func(next http.Handler, w http.ResponseWriter, r *http.Request) {
			if httpcache.IsRefresh(r.Context()) {
				r.URL.Path = "/toys/2"
				defer func() { refreshed <- struct{}{} }()
			}
			next.ServeHTTP(w, r)
		}))
	for done := false; !done; {
		p.get("/toys/1")
		select {
		case <-refreshed:
			done = true
		default:
		}
	}
	p.cache.Close()
	if got := p.get("/toys/1"); got.body != "1" {
		t.Errorf("after a refresh that became another's: %q", got.body)
	}
}

// TestWithoutAServer checks that an entry of a request that did not come through an *http.Server is not refreshed, and
// expires.
func TestWithoutAServer(t *testing.T) {
	c, err := cache.New(cache.Config{})
	if err != nil {
		t.Fatal(err)
	}
	const ttl = 200 * time.Millisecond
	cached, err := httpcache.New(c,
		httpcache.Options{Options: cache.Options{Name: "toy", TTL: ttl, RefreshAhead: 0.1}})
	if err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int64
	h := cached(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if httpcache.IsRefresh(r.Context()) {
			t.Error("refreshed")
		}
		asked.Add(1)
	}))
	begun := time.Now()
	for asked.Load() < 3 && time.Since(begun) < time.Minute {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/toys/1", nil))
	}
	if took := time.Since(begun); asked.Load() < 3 || took < 2*ttl*9/10 {
		t.Errorf("the handler was asked %d times in %v, want it once in a TTL of %v", asked.Load(), took, ttl)
	}
}

// TestPrivateTwice has middleware write private before a handler that writes the same: nobody gets another's response.
func TestPrivateTwice(t *testing.T) {
	private := func(w http.ResponseWriter) { w.Header().Set("Cache-Control", "private") }
	p := mustServe(t, httpcache.Options{}, func(w http.ResponseWriter, r *http.Request) {
		private(w)
		io.WriteString(w, r.Header.Get("Who"))
	}, around(func(next http.Handler, w http.ResponseWriter, r *http.Request) {
		private(w)
		next.ServeHTTP(w, r)
	}))
	for _, who := range []string{"alice", "bob"} {
		if got := p.get("/toys/1", "Who: "+who); got.body != who {
			t.Errorf("%s got the response of %s", who, got.body)
		}
	}
}
