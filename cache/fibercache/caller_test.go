package fibercache_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/cache/fibercache"
)

// people are callers who leave when they are told to: each request names its own.
type people struct {
	mu   sync.Mutex
	each map[string]context.CancelFunc
}

func (p *people) caller(c *fiber.Ctx) (context.Context, context.CancelFunc) {
	ctx, leave := context.WithCancel(context.Background())
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.each == nil {
		p.each = map[string]context.CancelFunc{}
	}
	p.each[strings.Clone(c.Get("Who"))] = leave
	return ctx, leave
}

func (p *people) leave(who string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.each[who]()
}

// TestAQueuedCallerLeaves stages that a fill needs the request of one who has left: "first" fills, an invalidation
// comes, so that "second" and "third" wait for another fill, which is to be made with second's request. Second leaves;
// third is answered.
func TestAQueuedCallerLeaves(t *testing.T) {
	var everyone people
	var asked atomic.Int64
	begun, goOn := make(chan bool, 1), make(chan bool)
	p := mustServe(t, fibercache.Options{Caller: everyone.caller, Tags: func(*fiber.Ctx) []string {
		return []string{"toys"}
	}},
		func(c *fiber.Ctx) error {
			if asked.Add(1) == 1 {
				begun <- true
				<-goOn
			}
			return c.SendString(c.Get("Who"))
		})
	ask := func(who string) <-chan reply {
		answered := make(chan reply, 1)
		go func() { answered <- p.get("/toys/1", "Who: "+who) }()
		return answered
	}
	mustWait := func(n int) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); p.waiting() != n; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%d callers wait, want %d", p.waiting(), n)
			}
		}
	}
	first := ask("first")
	<-begun
	mustWait(1)
	if err := p.cache.Invalidate("toys"); err != nil {
		t.Fatal(err)
	}
	second := ask("second")
	mustWait(2)
	third := ask("third")
	mustWait(3)
	everyone.leave("second")
	if got := <-second; got.status == fiber.StatusOK {
		t.Errorf("who left was answered %d %q", got.status, got.body)
	}
	close(goOn)
	if got := <-third; got.status != fiber.StatusOK || got.body != "third" {
		t.Errorf("who stayed was answered %d %q, want an answer made with the own request", got.status, got.body)
	}
	if got := <-first; got.status != fiber.StatusOK {
		t.Errorf("the first was answered %d", got.status)
	}
	if got := asked.Load(); got != 2 {
		t.Errorf("the handler was asked %d times, want 2", got)
	}
}

// TestTheHandlerIsToldThatNobodyWaits checks that the handler's context is canceled only when the last caller waiting
// for the fill has left, and that a later request starts a new fill.
func TestTheHandlerIsToldThatNobodyWaits(t *testing.T) {
	var everyone people
	ended := make(chan error, 1)
	p := mustServe(t, fibercache.Options{Caller: everyone.caller}, func(c *fiber.Ctx) error {
		if c.Get("Who") == "late" {
			return c.SendString("fresh")
		}
		<-c.UserContext().Done()
		ended <- c.UserContext().Err()
		return c.UserContext().Err()
	})
	for i, who := range []string{"one", "two"} {
		go p.get("/toys/1", "Who: "+who)
		for p.waiting() != i+1 {
			time.Sleep(time.Millisecond)
		}
	}
	everyone.leave("one")
	select {
	case <-ended:
		t.Error("the handler was told although one caller waits")
	case <-time.After(100 * time.Millisecond):
	}
	everyone.leave("two")
	<-ended
	if got := p.get("/toys/1", "Who: late"); got.body != "fresh" {
		t.Errorf("who came later was answered %d %q", got.status, got.body)
	}
}
