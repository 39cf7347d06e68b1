package httpcache_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/httpcache"
)

// TestAPanicGoesOnWhereItBegan makes the handler panic for alice while bob waits for the same fill. It checks that
// middleware around alice's request recovers the very value, with the handler on its stack, that bob gets 500, and that
// the route goes on working.
func TestAPanicGoesOnWhereItBegan(t *testing.T) {
	for name, value := range map[string]any{"an error": errTest, "http.ErrAbortHandler": http.ErrAbortHandler,
		"a text": "broken"} {
		t.Run(name, func(t *testing.T) {
			h := newHeld()
			var asked atomic.Int64
			var recovered atomic.Value
			p := mustServe(t, httpcache.Options{}, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Link", "</half>")
				io.WriteString(w, "half")
				if asked.Add(1) == 1 {
					close(h.begun)
					<-h.release
					theHandlerThatPanics(value)
				}
			}, around(func(next http.Handler, w http.ResponseWriter, r *http.Request) {
				defer func() {
					if v := recover(); v != nil {
						recovered.Store(fmt.Sprint(v == value, " ",
							strings.Contains(string(debug.Stack()), "theHandlerThatPanics")))
						if v == http.ErrAbortHandler {
							panic(v)
						}
						http.Error(w, "recovered", 599)
					}
				}()
				next.ServeHTTP(w, r)
			}))
			alice, bob := h.joinHeld(p, "/toys/1")
			if got := recovered.Load(); got != "true true" {
				t.Errorf("around alice's request: %v, want the value, and the handler on the stack", got)
			}
			if value == http.ErrAbortHandler && alice.err == nil ||
				value != http.ErrAbortHandler && (alice.status != 599 || alice.body != "recovered\n") {
				t.Errorf("alice got %+v", alice)
			}
			if bob.status != 500 || strings.Contains(bob.body, "goroutine") || bob.header.Get("Link") != "" {
				t.Errorf("bob got %d %q %v, want 500 and no more", bob.status, bob.body, bob.header)
			}
			p.wantHit(true, "/toys/1")
		})
	}
}

func theHandlerThatPanics(value any) { panic(value) }

// TestAHandlerThatEndsItsGoroutine checks that runtime.Goexit in a handler has the effect of a panic.
func TestAHandlerThatEndsItsGoroutine(t *testing.T) {
	h := newHeld()
	var asked atomic.Int64
	p := mustServe(t, httpcache.Options{}, func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 1 {
			close(h.begun)
			<-h.release
			runtime.Goexit()
		}
		io.WriteString(w, "x")
	})
	alice, bob := h.joinHeld(p, "/toys/1")
	if alice.err == nil || bob.status != 500 {
		t.Errorf("alice got %+v, bob %d", alice, bob.status)
	}
	p.wantHit(true, "/toys/1")
}

// TestWhatAPanicLeavesBehindChangesNothing checks that a goroutine which goes on after its handler has panicked gets an
// error, and has no effect.
func TestWhatAPanicLeavesBehindChangesNothing(t *testing.T) {
	answered, done := make(chan struct{}), make(chan error, 1)
	var asked atomic.Int64
	p := mustServe(t, httpcache.Options{}, func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 1 {
			go func() {
				<-answered
				done <- http.NewResponseController(w).Flush()
			}()
			panic(http.ErrAbortHandler)
		}
		io.WriteString(w, "x")
	})
	if got := p.ask(t.Context(), "GET", "/toys/1"); got.err == nil {
		t.Errorf("got %+v", got)
	}
	close(answered)
	if err := <-done; err == nil {
		t.Error("a flush after the handler has panicked is no error")
	}
	p.wantHit(true, "/toys/1")
}

// TestAPanicInAStream breaks it off, as without the cache.
func TestAPanicInAStream(t *testing.T) {
	p := mustServe(t, httpcache.Options{}, func(w http.ResponseWriter, _ *http.Request) {
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	if got := p.ask(t.Context(), "GET", "/toys/1"); got.err == nil {
		t.Errorf("got %+v", got)
	}
	if p.waiting() != 0 {
		t.Errorf("%d wait", p.waiting())
	}
}

// TestAPanicOfARefreshIsLogged checks that the panic of a refresh, which no caller sees, is logged with its stack.
func TestAPanicOfARefreshIsLogged(t *testing.T) {
	panicked := make(chan struct{}, 100)
	o := httpcache.Options{Options: cache.Options{TTL: 2 * time.Second, RefreshAhead: 0.1}}
	p := mustServe(t, o, func(w http.ResponseWriter, r *http.Request) {
		if httpcache.IsRefresh(r.Context()) {
			defer func() { panicked <- struct{}{} }()
			theHandlerThatPanics(errors.New("for the log"))
		}
		io.WriteString(w, "x")
	})
	for done := false; !done; {
		if got := p.get("/toys/1"); got.status != 200 {
			t.Fatalf("got %d", got.status)
		}
		select {
		case <-panicked:
			done = true
		default:
		}
	}
	p.cache.Close()
	if got := p.log.String(); !strings.Contains(got, "panic serving /toys/1 once more: for the log") ||
		!strings.Contains(got, "theHandlerThatPanics") {
		t.Errorf("the server has logged %q", got)
	}
}

// TestAPanicOfACopyIsAFailure checks that a handler which panics is not asked again for the caller itself, also where
// middleware recovers from it.
func TestAPanicOfACopyIsAFailure(t *testing.T) {
	var asked atomic.Int64
	o := httpcache.Options{Options: cache.Options{HardTimeout: time.Minute}}
	p := mustServe(t, o, func(http.ResponseWriter, *http.Request) {
		asked.Add(1)
		theHandlerThatPanics("on purpose")
	}, around(func(next http.Handler, w http.ResponseWriter, r *http.Request) {
		defer func() {
			if recover() != nil {
				http.Error(w, "recovered", http.StatusInternalServerError)
			}
		}()
		next.ServeHTTP(w, r)
	}))
	if got := p.get("/toys/1"); got.status != http.StatusInternalServerError || asked.Load() != 1 {
		t.Errorf("%d %q, and the handler was asked %d times; want 500 and once", got.status, got.body, asked.Load())
	}
}
