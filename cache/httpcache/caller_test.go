package httpcache_test

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/cache/httpcache"
)

// someone is a caller who leaves when told to.
type someone struct {
	leave context.CancelFunc
	got   chan reply
}

func (p *program) someone(path, who string) *someone {
	ctx, leave := context.WithCancel(context.Background())
	s := &someone{leave, make(chan reply, 1)}
	go func() { s.got <- p.ask(ctx, http.MethodGet, path, "Who: "+who) }()
	return s
}

// TestAQueuedCallerLeaves stages that a fill needs the request of one who has left: "first" fills, an invalidation
// comes, so that "second" and "third" wait for another fill, which is to be made with second's request. Second leaves;
// third is answered.
func TestAQueuedCallerLeaves(t *testing.T) {
	var asked atomic.Int64
	begun, goOn := make(chan bool, 1), make(chan bool)
	p := mustServe(t, httpcache.Options{Tags: func(*http.Request) []string { return []string{"toys"} }},
		func(w http.ResponseWriter, r *http.Request) {
			if asked.Add(1) == 1 {
				begun <- true
				<-goOn
			}
			io.WriteString(w, r.Header.Get("Who"))
		})
	first := p.someone("/toys/1", "first")
	<-begun
	p.mustWait(1)
	if err := p.cache.Invalidate("toys"); err != nil {
		t.Fatal(err)
	}
	second := p.someone("/toys/1", "second")
	p.mustWait(2)
	third := p.someone("/toys/1", "third")
	p.mustWait(3)
	second.leave()
	p.mustWait(2)
	if got := <-second.got; got.err == nil {
		t.Errorf("who left was answered %d %q", got.status, got.body)
	}
	close(goOn)
	if got := <-third.got; got.status != http.StatusOK || got.body != "third" {
		t.Errorf("who stayed was answered %d %q, want an answer made with the own request", got.status, got.body)
	}
	if got := <-first.got; got.status != http.StatusOK {
		t.Errorf("the first was answered %d", got.status)
	}
	if got := asked.Load(); got != 2 {
		t.Errorf("the handler was asked %d times, want 2", got)
	}
}

// TestTheHandlerIsToldThatNobodyWaits checks that the handler's context goes on while a caller waits for its fill, and
// ends when the last has left. The first to leave is the one whose request the handler has.
func TestTheHandlerIsToldThatNobodyWaits(t *testing.T) {
	ended := make(chan error, 1)
	p := mustServe(t, httpcache.Options{}, func(w http.ResponseWriter, r *http.Request) {
		if !httpcache.IsFill(r.Context()) {
			t.Error("the handler does not know that it fills")
		}
		if r.Header.Get("Who") == "late" {
			io.WriteString(w, "fresh")
			return
		}
		<-r.Context().Done()
		ended <- r.Context().Err()
		io.WriteString(w, "half") // which is not to be kept
	})
	one := p.someone("/toys/1", "one")
	p.mustWait(1)
	two := p.someone("/toys/1", "two")
	p.mustWait(2)
	one.leave()
	p.mustWait(1)
	select {
	case <-ended:
		t.Error("the handler was told although one caller waits")
	case <-time.After(100 * time.Millisecond):
	}
	two.leave()
	<-ended
	if got := p.get("/toys/1", "Who: late"); got.body != "fresh" {
		t.Errorf("who came later was answered %d %q", got.status, got.body)
	}
}

// TestARequestIsNotUsedAfterItsCaller checks that a handler that fills for another caller reads nothing of a later
// request. Its own caller has left, and the router, as chi's does, reuses what it stores in each request's context.
func TestARequestIsNotUsedAfterItsCaller(t *testing.T) {
	type routeKey struct{}
	hung := make(chan *atomic.Value, 1) // what is free for the next request
	hung <- &atomic.Value{}
	begun, goOn := make(chan bool, 1), make(chan bool)
	p := mustServe(t, httpcache.Options{}, func(w http.ResponseWriter, r *http.Request) {
		begun <- true
		<-goOn
		io.WriteString(w, r.Context().Value(routeKey{}).(*atomic.Value).Load().(string))
	}, around(func(next http.Handler, w http.ResponseWriter, r *http.Request) {
		var own *atomic.Value
		select {
		case own = <-hung:
		default:
			own = &atomic.Value{}
		}
		own.Store(r.URL.Path)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), routeKey{}, own)))
		own.Store("another request's")
		select {
		case hung <- own:
		default:
		}
	}))
	leader := p.someone("/toys/1", "leader")
	<-begun
	other := p.someone("/toys/1", "other")
	p.mustWait(2)
	leader.leave()
	p.mustWait(1)
	close(goOn)
	if got := <-other.got; got.body != "/toys/1" {
		t.Errorf("who waited got %q, want what the router hung on the request", got.body)
	}
	p.wantHit(true, "/toys/1")
}

// TestALeaderWhoseTimeIsOver checks what a caller gets whose context middleware ends while it waits for a handler that
// goes on: 503 if it joined the fill, and the response if the handler has its own request.
func TestALeaderWhoseTimeIsOver(t *testing.T) {
	begun, goOn := make(chan bool, 2), make(chan bool)
	ends := make(chan context.CancelFunc, 2)
	p := mustServe(t, httpcache.Options{}, func(w http.ResponseWriter, _ *http.Request) {
		begun <- true
		<-goOn
		io.WriteString(w, "x")
	}, around(func(next http.Handler, w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithCancel(r.Context())
		ends <- cancel
		next.ServeHTTP(w, r.WithContext(ctx))
	}))
	leader := p.goGet("/toys/1")
	<-begun
	endLeader := <-ends
	joiner := p.goGet("/toys/1")
	p.mustWait(2)
	endJoiner := <-ends
	stays := p.goGet("/toys/1")
	p.mustWait(3)
	endJoiner()
	if got := <-joiner; got.status != http.StatusServiceUnavailable {
		t.Errorf("who waited and had no time left = %d %q, want 503", got.status, got.body)
	}
	endLeader()
	p.mustWait(1)
	close(goOn)
	for range 2 {
		select {
		case got := <-leader:
			if got.status != 200 || got.body != "x" {
				t.Errorf("the caller whose request the handler had = %d %q, want the answer that there is",
					got.status, got.body)
			}
		case got := <-stays:
			if got.status != 200 || got.body != "x" {
				t.Errorf("who stayed = %d %q", got.status, got.body)
			}
		}
	}
}
