package load_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/load"
)

// asks is a source that requests / over and over and takes any 200 for good.
type asks struct{}

func (asks) Next() ([]byte, uint8) { return []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), 7 }

func (asks) Judge(a load.Response) load.Verdict {
	if a.Status == 200 {
		return load.Good
	}
	return load.Failed
}

func source(int) load.Source { return asks{} }

func mustRun(t *testing.T, plan load.Plan) load.Outcome {
	t.Helper()
	plan.Source = source
	outcome, err := load.Run(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	return outcome
}

// stalling returns a handler that responds in known, and once, from 500 ms after the first request on, not at all for
// stall.
func stalling(t *testing.T, known, stall time.Duration) string {
	var gate sync.RWMutex
	var first, once sync.Once
	var began time.Time
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		first.Do(func() { began = time.Now() })
		if time.Since(began) > 500*time.Millisecond {
			once.Do(func() {
				gate.Lock()
				time.Sleep(stall)
				gate.Unlock()
			})
		}
		gate.RLock()
		defer gate.RUnlock()
		time.Sleep(known)
		w.Write([]byte("x"))
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// TestAStallShowsInTheP99 checks why latencies are measured in an open loop: in ten seconds at 60/s a fifth of the
// requests were to be sent while the server stood still for two. The closed loop sends none meanwhile, and calls 98%
// fast. A machine that stalls once or twice as long by itself changes neither.
func TestAStallShowsInTheP99(t *testing.T) {
	const known, stall, lasts = 5 * time.Millisecond, 2 * time.Second, 10 * time.Second
	// As many connections as it takes to catch up on a busy machine too.
	open := mustRun(t, load.Plan{Addr: stalling(t, known, stall), Conns: 64, Rate: 60, For: lasts})
	l := open.Latencies()
	if len(l) != 600 || open.Count()[load.Good] != 600 {
		t.Errorf("%d requests, %v; want 600 good ones", len(l), open.Count())
	}
	if got := l.At(.5); got < known || got > stall/2 {
		t.Errorf("p50 = %v, want about the server's %v", got, known)
	}
	if got, least := l.At(.99), stall*8/10; got < least {
		t.Errorf("p99 = %v, want at least nearly the stall's %v", got, stall)
	}
	closed := mustRun(t, load.Plan{Addr: stalling(t, known, stall), Conns: 4, For: lasts})
	if got := closed.Latencies().At(.98); got > stall/2 {
		t.Errorf("closed loop: p98 = %v; it is expected to hide the stall, or this test proves nothing", got)
	}
}

// TestAKnownErrorRateComesBack checks that the failures are counted of a server that fails one request in twenty, by an
// error or by closing the connection.
func TestAKnownErrorRateComesBack(t *testing.T) {
	for name, fail := range map[string]func(http.ResponseWriter){
		"refused": func(w http.ResponseWriter) { http.Error(w, "no", http.StatusServiceUnavailable) },
		"cut off": func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if asked.Add(1)%20 == 0 {
					fail(w)
					return
				}
				w.Write([]byte("x"))
			}))
			defer server.Close()
			for loop, rate := range map[string]float64{"closed": 0, "open": 10_000} {
				asked.Store(0)
				outcome := mustRun(t,
					load.Plan{Addr: server.Listener.Addr().String(), Conns: 8, Rate: rate, Requests: 2000})
				if got := outcome.Count(); got[load.Failed] != 100 || got[load.Good] != 1900 {
					t.Errorf("%s loop: %d failed and %d good, want 100 and 1900 (%v)",
						loop, got[load.Failed], got[load.Good], outcome.Err)
				}
			}
		})
	}
}

// TestAFreeConnectionTakesTheNext checks that requests do not wait behind a slow one while connections are free: the
// first gets its response when all others have theirs.
func TestAFreeConnectionTakesTheNext(t *testing.T) {
	const requests = 500
	var asked atomic.Int64
	others := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch asked.Add(1) {
		case 1:
			select {
			case <-others:
			case <-r.Context().Done():
			}
		case requests:
			close(others)
		}
		w.Write([]byte("x"))
	}))
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	outcome, err := load.Run(ctx,
		load.Plan{Addr: server.Listener.Addr().String(), Conns: 8, Rate: 500, Requests: requests, Source: source})
	if got := outcome.Count()[load.Good]; err != nil || got != requests {
		t.Errorf("%d good answers, %v; want %d: requests waited on a connection that was busy", got, err, requests)
	}
}

func TestAnAbsentServerIsCountedAsFailed(t *testing.T) {
	outcome := mustRun(t, load.Plan{Addr: "127.0.0.1:1", Conns: 2, Requests: 10})
	if got := outcome.Count()[load.Failed]; got != 10 || outcome.Err == nil {
		t.Errorf("%d failed, %v; want 10 and why", got, outcome.Err)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
	}))
	defer server.Close()
	broken := errors.New("a component died")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(50*time.Millisecond, func() { cancel(broken) })
	outcome, err := load.Run(ctx,
		load.Plan{Addr: server.Listener.Addr().String(), Conns: 4, For: time.Minute, Source: source})
	if !errors.Is(err, broken) || len(outcome.Samples) != 0 {
		t.Errorf("%v and %d samples; want the cause, and no request counted that it cut off", err, len(outcome.Samples))
	}
}

// TestRunWaitsNoLongerThanItsPatience checks that a run ends, and counts its requests as failed, when no response ever
// comes.
func TestRunWaitsNoLongerThanItsPatience(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
	}))
	defer server.Close()
	outcome := mustRun(t,
		load.Plan{Addr: server.Listener.Addr().String(), Conns: 4, For: time.Second, Patience: 100 * time.Millisecond})
	if got := fmt.Sprint(outcome.Count()); got != "[0 4 0 0]" {
		t.Errorf("good, failed, wrong, stale = %s, want 4 failed", got)
	}
}

// TestWhatWasNeverSentHasFailed asks a server that gives one response in 10 ms for a thousand in a second. The load
// ends 200 ms later, with a tenth of them sent: the others have failed, and took longer than what is left of the load.
func TestWhatWasNeverSentHasFailed(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(10 * time.Millisecond)
		w.Write([]byte("x"))
	}))
	defer server.Close()
	outcome := mustRun(t, load.Plan{Addr: server.Listener.Addr().String(), Conns: 1, Rate: 1000, For: time.Second,
		Patience: 200 * time.Millisecond})
	count, l := outcome.Count(), outcome.Latencies()
	if count[load.Good]+count[load.Failed] != 1000 || count[load.Failed] < 850 || len(l) != 1000 {
		t.Errorf("of 1,000 requests %d are good and %d failed, with %d latencies; want at least 850 failed",
			count[load.Good], count[load.Failed], len(l))
	}
	// The one in the middle was due after 500 ms, and the load went on for 700 more.
	if got, least := l.At(.5), 600*time.Millisecond; got < least {
		t.Errorf("p50 = %v, want at least %v: what was never sent is forgotten", got, least)
	}
	if sent := len(outcome.Samples); sent > 150 {
		t.Errorf("%d were sent, want what the server answered", sent)
	}
}

// silent returns the address of a server that accepts connections, and never responds.
func silent(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener.Addr().String()
}

// TestALoadByNumberDoesNotWaitForever asks a server that never responds: each request fails in time.
func TestALoadByNumberDoesNotWaitForever(t *testing.T) {
	got := mustRun(t, load.Plan{Addr: silent(t), Conns: 2, Requests: 4, Patience: 50 * time.Millisecond})
	if failed := got.Count()[load.Failed]; failed != 4 || got.Err == nil {
		t.Errorf("%d requests failed, %v; want 4 and why", failed, got.Err)
	}
}
