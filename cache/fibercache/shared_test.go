package fibercache_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/fibercache"
)

// held is a handler that answers the first request only when it is released.
type held struct{ begun, release chan struct{} }

func newHeld() *held { return &held{make(chan struct{}), make(chan struct{})} }

// joinHeld has alice's request fill and bob's join it, and returns what bob got.
func (h *held) joinHeld(p *program, path string) reply {
	alice, bob := make(chan reply), make(chan reply)
	go func() { alice <- p.get(path, "X-Caller: alice") }()
	<-h.begun
	go func() { bob <- p.get(path, "X-Caller: bob") }()
	for p.waiting() < 2 { // both have joined
		time.Sleep(time.Millisecond)
	}
	close(h.release)
	<-alice
	return <-bob
}

// TestJoinedCallersGetNobodysOwnAnswer checks that bob, who joined alice's fill, gets a response of his own when hers
// turns out not to be shareable, and that it is not cached.
func TestJoinedCallersGetNobodysOwnAnswer(t *testing.T) {
	for name, mark := range map[string]func(c *fiber.Ctx){
		"private":  func(c *fiber.Ctx) { c.Set("Cache-Control", "private, no-store") },
		"a cookie": func(c *fiber.Ctx) { c.Cookie(&fiber.Cookie{Name: "session", Value: c.Get("X-Caller")}) },
		"Vary":     func(c *fiber.Ctx) { c.Set("Vary", "X-Caller") },
		"a stream": func(*fiber.Ctx) {},
		"private absence": func(c *fiber.Ctx) {
			c.Set("Cache-Control", "private")
			c.Status(404)
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHeld()
			var asked atomic.Int64
			p := mustServe(t, fibercache.Options{Options: cache.Options{NegativeTTL: time.Minute}},
				func(c *fiber.Ctx) error {
					if asked.Add(1) == 1 {
						close(h.begun)
						<-h.release
					}
					mark(c)
					secrets := "the secrets of " + c.Get("X-Caller")
					if name == "a stream" {
						return c.SendStream(strings.NewReader(secrets), len(secrets))
					}
					return c.SendString(secrets)
				})
			if got := h.joinHeld(p, "/toys/1"); got.body != "the secrets of bob" {
				t.Errorf("bob got %q (%s)", got.body, got.header.Get("Cache-Status"))
			}
			p.wantHit(false, "/toys/1")
		})
	}
}

func TestJoinedCallersGetTheFailureWithItsFields(t *testing.T) {
	h := newHeld()
	var asked atomic.Int64
	p := mustServe(t, fibercache.Options{}, func(c *fiber.Ctx) error {
		asked.Add(1)
		close(h.begun)
		<-h.release
		c.Set("Retry-After", "7")
		return c.Status(503).SendString("busy")
	})
	got := h.joinHeld(p, "/toys/1")
	if got.status != 503 || got.header.Get("Retry-After") != "7" || asked.Load() != 1 {
		t.Errorf("bob got %d, Retry-After %q, after %d calls", got.status, got.header.Get("Retry-After"), asked.Load())
	}
}

// TestHeadLeavesNothingForGet asks with HEAD first, of handlers that answer it with less.
func TestHeadLeavesNothingForGet(t *testing.T) {
	for name, handler := range map[string]fiber.Handler{
		"a file": func(c *fiber.Ctx) error { return c.SendFile("doc.go") },
		"a method-aware handler": func(c *fiber.Ctx) error {
			if c.Method() == http.MethodHead {
				return c.SendStatus(200)
			}
			return c.SendString("package fibercache")
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := mustServe(t, fibercache.Options{}, handler)
			p.call(http.MethodHead, "/toys/1")
			if got := p.get("/toys/1"); !strings.Contains(got.body, "package fibercache") {
				t.Errorf("GET after HEAD: %d %q", got.status, got.body)
			}
		})
	}
}

// TestARefreshThatDoesNotArrive checks that callers still get the handler's response when middleware rejects the
// cache's refresh request before it reaches the handler.
func TestARefreshThatDoesNotArrive(t *testing.T) {
	const ttl = time.Second
	stopped := make(chan struct{}, 100)
	p := mustServe(t, fibercache.Options{Options: cache.Options{TTL: ttl, RefreshAhead: 0.1}},
		func(c *fiber.Ctx) error { return c.SendString("x") },
		func(app *fiber.App, _ *cache.Cache) {
			app.Use(func(c *fiber.Ctx) error {
				if fibercache.IsRefresh(c) {
					stopped <- struct{}{}
					time.Sleep(ttl) // until the entry has expired and callers have joined
					return c.SendStatus(429)
				}
				return c.Next()
			})
		})
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

func TestAPanicShowsNoStack(t *testing.T) {
	p := mustServe(t, fibercache.Options{}, func(*fiber.Ctx) error { panic("broken") })
	if got := p.get("/toys/1"); got.status != 500 || strings.Contains(got.body, "goroutine") {
		t.Errorf("got %d %q, want no stack", got.status, got.body)
	}
}

// TestFieldsOfOtherMiddlewareAreNotKept checks that a hit has the header fields that middleware sets for that request,
// and of the fill only those that the handler set.
func TestFieldsOfOtherMiddlewareAreNotKept(t *testing.T) {
	var n atomic.Int64
	p := mustServe(t, fibercache.Options{Keep: []string{"X-Toy"}}, func(c *fiber.Ctx) error {
		c.Set("X-Toy", "train")
		c.Append("Vary", "Accept")
		return c.SendString("x")
	}, func(app *fiber.App, _ *cache.Cache) {
		app.Use(func(c *fiber.Ctx) error {
			c.Set("Content-Security-Policy", fmt.Sprint("nonce-", n.Add(1)))
			return c.Next()
		})
	})
	p.wantHit(true, "/toys/1")
	got := p.get("/toys/1").header
	if got.Get("Content-Security-Policy") != "nonce-3" || got.Get("X-Toy") != "train" || got.Get("Vary") != "Accept" {
		t.Errorf("a hit has %v", got)
	}
}

// The bad schedules on the paths that only handlers have; TestLongRulesAreNeeded sees them fail
// without the fence.

// 1. A handler reads old, not knowing its tags yet. 2. A write commits and invalidates. 3. The
// handler names its tags, and its answer is stored.
func TestScheduleLateTag(t *testing.T) {
	var version atomic.Int64
	h := newHeld()
	var asked atomic.Int64
	p := mustServe(t, fibercache.Options{}, func(c *fiber.Ctx) error {
		read := version.Load()
		if asked.Add(1) == 1 {
			close(h.begun)
			<-h.release
		}
		fibercache.Tag(c, "row")
		return c.SendString(fmt.Sprint(read))
	})
	first := make(chan reply)
	go func() { first <- p.get("/toys/1") }()
	<-h.begun
	version.Add(1)
	p.cache.Invalidate("row")
	close(h.release)
	<-first
	if got := p.get("/toys/1"); got.body != "1" {
		t.Errorf("a read after the acknowledged write got version %s", got.body)
	}
}

// 1. A refresh, sent through the application, reads old. 2. A write commits and invalidates. 3. The
// refresh's answer is stored.
func TestScheduleRefresh(t *testing.T) {
	var version atomic.Int64
	h := newHeld()
	var refreshes atomic.Int64
	p := mustServe(t, fibercache.Options{
		Options: cache.Options{TTL: 2 * time.Second, RefreshAhead: 0.1},
		Tags:    func(*fiber.Ctx) []string { return []string{"row"} },
	}, func(c *fiber.Ctx) error {
		read := version.Load()
		if fibercache.IsRefresh(c) && refreshes.Add(1) == 1 {
			close(h.begun)
			<-h.release
		}
		return c.SendString(fmt.Sprint(read))
	})
	for begun := false; !begun; {
		p.get("/toys/1")
		select {
		case <-h.begun:
			begun = true
		default:
		}
	}
	version.Add(1)
	p.cache.Invalidate("row")
	close(h.release)
	p.cache.Close()
	if got := p.get("/toys/1"); got.body != "1" {
		t.Errorf("a read after the acknowledged write got version %s", got.body)
	}
}

// 1. A handler finds nothing. 2. A write creates it and invalidates. 3. The absence is stored.
func TestScheduleNegative(t *testing.T) {
	var created atomic.Bool
	h := newHeld()
	var asked atomic.Int64
	p := mustServe(t, fibercache.Options{
		Options: cache.Options{NegativeTTL: time.Minute},
		Tags:    func(*fiber.Ctx) []string { return []string{"row"} },
		Fail:    func(c *fiber.Ctx, err error) { c.Status(404).SendString(err.Error()) },
	}, func(c *fiber.Ctx) error {
		found := created.Load()
		if asked.Add(1) == 1 {
			close(h.begun)
			<-h.release
		}
		if !found {
			return errors.New("there is none")
		}
		return c.SendString("x")
	})
	first := make(chan reply)
	go func() { first <- p.get("/toys/1") }()
	<-h.begun
	created.Store(true)
	p.cache.Invalidate("row")
	close(h.release)
	<-first
	if got := p.get("/toys/1"); got.status != 200 {
		t.Errorf("a read after the acknowledged creation got %d", got.status)
	}
}
