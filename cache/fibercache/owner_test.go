package fibercache_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/fibercache"
)

// owned are options of a route whose answers have owners. Who calls stands in the field Who: an owner may have what is
// his, root everything, and to all others it is not there.
func owned(o fibercache.Options) fibercache.Options {
	o.NegativeTTL = time.Minute
	o.Variant = func(*fiber.Ctx) string { return "" }
	o.Allow = func(c *fiber.Ctx, owner string) error {
		if who := c.Get("Who"); who == "root" || who != "" && who == owner {
			return nil
		}
		return errNoToy
	}
	return o
}

var errNoToy = fiber.NewError(fiber.StatusNotFound, "There is no such toy.")

// toyOf is a handler whose answer belongs to an owner. It sets all that could show that there is one.
func toyOf(owner string) fiber.Handler {
	return func(c *fiber.Ctx) error {
		fibercache.Own(c, owner)
		c.Set("X-Database", "replied")
		c.Set("Cache-Control", "no-cache")
		c.Set("Last-Modified", "Mon, 01 Jan 2024 00:00:00 GMT")
		c.Set("ETag", `"v1"`)
		return c.SendString("of " + owner)
	}
}

// dump returns all of a response that says something: not when it was sent.
func (r reply) dump() string {
	lines := []string{fmt.Sprint(r.status)}
	for name, values := range r.header {
		if name != "Date" {
			lines = append(lines, name+": "+strings.Join(values, " | "))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n") + "\n\n" + r.body
}

// TestOwned asks in each way for a toy of ann's, as each caller: what is refused is as what is not there.
func TestOwned(t *testing.T) {
	p := mustServe(t, owned(fibercache.Options{Bypass: func(c *fiber.Ctx) bool { return c.Get("Past") != "" }}),
		func(c *fiber.Ctx) error {
			if c.Params("id") == "none" {
				c.Set("X-Database", "replied too")
				return errNoToy
			}
			return toyOf("ann")(c)
		})
	absent := p.get("/toys/none", "Who: bob").dump()
	if !strings.HasPrefix(absent, "404\n") || !strings.Contains(absent, "There is no such toy.") {
		t.Fatalf("what is not there is %s", absent)
	}
	for _, round := range []string{"nothing kept", "kept"} {
		for name, fields := range map[string][]string{
			"as it is": nil, "If-None-Match": {`If-None-Match: "v1"`}, "If-Match": {`If-Match: "v2"`},
			"If-Modified-Since": {"If-Modified-Since: Tue, 02 Jan 2024 00:00:00 GMT"},
			"past the cache":    {"Past: 1"}, "with a token": {"Authorization: x"},
		} {
			for _, who := range []string{"", "bob"} {
				for _, id := range []string{"1", "none", name} { // the last one is nobody's yet
					id = strings.ReplaceAll(id, " ", "-")
					got := p.get("/toys/"+id, append(fields, "Who: "+who)...).dump()
					if got != absent {
						t.Errorf("%s, %s: %q is sent for /toys/%s\n%s\nwant\n%s", round, name, who, id, got, absent)
					}
					head := p.call(http.MethodHead, "/toys/"+id, append(fields, "Who: "+who)...)
					if got, want := head.dump(), strings.TrimSuffix(absent, "There is no such toy."); got != want {
						t.Errorf("%s, %s: HEAD of /toys/%s is\n%s\nwant\n%s", round, name, id, got, want)
					}
				}
			}
		}
		for _, who := range []string{"ann", "root"} {
			if got := p.get("/toys/1", "Who: "+who); got.status != 200 || got.body != "of ann" {
				t.Errorf("%s: %s got %d %q", round, who, got.status, got.body)
			}
			if got := p.get("/toys/1", "Who: "+who, `If-None-Match: "v1"`); got.status != 304 {
				t.Errorf("%s: %s got %d for an ETag that holds, want 304", round, who, got.status)
			}
		}
	}
	if got := p.get("/toys/1", "Who: ann").header.Get("Cache-Status"); !strings.HasPrefix(got, "near; hit") {
		t.Errorf("the owner's answer is not kept: %s", got)
	}
	if got := p.get("/toys/none", "Who: root").header.Get("Cache-Status"); !strings.HasPrefix(got, "near; hit") {
		t.Errorf("the absence is not kept: %s", got)
	}
}

// TestOwnedAnswersOfOneFill makes bob join alice's fill of a response that belongs to one of them. It checks that bob
// gets it only if it is his, and that it is cached for its owner.
func TestOwnedAnswersOfOneFill(t *testing.T) {
	for _, owner := range []string{"alice", "bob"} {
		h := newHeld()
		p := mustServe(t, owned(fibercache.Options{}), func(c *fiber.Ctx) error {
			close(h.begun)
			<-h.release
			return toyOf(owner)(c)
		}, func(app *fiber.App, _ *cache.Cache) {
			app.Use(func(c *fiber.Ctx) error {
				c.Request().Header.Set("Who", c.Get("X-Caller"))
				return c.Next()
			})
		})
		got := h.joinHeld(p, "/toys/1")
		if allowed := owner == "bob"; (got.status == 200) != allowed || strings.Contains(got.body, "of ") != allowed {
			t.Errorf("bob waited for what is %s's, and got %d %q", owner, got.status, got.body)
		}
		again := p.get("/toys/1", "X-Caller: "+owner)
		if !strings.HasPrefix(again.header.Get("Cache-Status"), "near; hit") {
			t.Errorf("the answer was not kept for %s: %s", owner, again.dump())
		}
	}
}

// TestOwnedStaleAnswers makes the handler fail after an owned entry has expired. It checks that the owner gets the
// stale entry, that another caller gets the same 404 as for a missing toy, and that a path without an entry gets the
// failure.
func TestOwnedStaleAnswers(t *testing.T) {
	var away atomic.Bool
	o := owned(staleOptions)
	o.TTL = staleOptions.TTL
	p := mustServe(t, o, func(c *fiber.Ctx) error {
		if away.Load() {
			c.Set("X-Why", "broken")
			return fiber.ErrServiceUnavailable
		}
		return toyOf("ann")(c)
	})
	p.get("/toys/1", "Who: ann")
	away.Store(true)
	time.Sleep(2 * o.TTL)
	got := p.get("/toys/1", "Who: ann")
	if got.body != "of ann" || !strings.Contains(got.header.Get("Cache-Status"), "stale-on-error") {
		t.Errorf("ann got %s, want what was kept", got.dump())
	}
	refused := p.get("/toys/1", "Who: bob")
	if want := "near; fwd=bypass; detail=refused"; refused.status != 404 || refused.body != errNoToy.Message ||
		refused.header.Get("Cache-Status") != want || refused.header.Get("X-Why") != "" {
		t.Errorf("bob got %s, want what is not there", refused.dump())
	}
	if got := p.get("/toys/2", "Who: bob"); got.status != 503 {
		t.Errorf("where nothing is kept bob got %s, want the failure", got.dump())
	}
}

// TestOwnedAnswersThatAreNotKept checks that an owned answer is not cached when it is streamed, has a cookie, or may
// otherwise not be.
func TestOwnedAnswersThatAreNotKept(t *testing.T) {
	for name, send := range map[string]fiber.Handler{
		"a cookie": func(c *fiber.Ctx) error {
			c.Cookie(&fiber.Cookie{Name: "of", Value: "ann"})
			return toyOf("ann")(c)
		},
		"private": func(c *fiber.Ctx) error {
			err := toyOf("ann")(c)
			c.Set("Cache-Control", "private")
			return err
		},
		"a stream": func(c *fiber.Ctx) error {
			fibercache.Own(c, "ann")
			return c.SendStream(strings.NewReader("of ann"))
		},
		"a failure": func(c *fiber.Ctx) error {
			fibercache.Own(c, "ann")
			return fiber.NewError(500, "of ann")
		},
	} {
		for _, timeout := range []time.Duration{0, time.Minute} {
			o := owned(fibercache.Options{Options: cache.Options{HardTimeout: timeout}})
			p := mustServe(t, o, send)
			for range 2 {
				if got := p.get("/toys/1", "Who: bob"); got.status != 404 || strings.Contains(got.dump(), "ann") {
					t.Errorf("%s, apart after %v: bob got %s", name, timeout, got.dump())
				}
				if got := p.get("/toys/1", "Who: ann"); got.body != "of ann" {
					t.Errorf("%s, apart after %v: ann got %s", name, timeout, got.dump())
				}
			}
		}
	}
}

// TestOwnWithoutAllow checks that an answer with an owner is not kept where nobody is asked for it.
func TestOwnWithoutAllow(t *testing.T) {
	h := newHeld()
	var asked atomic.Int64
	p := mustServe(t, fibercache.Options{}, func(c *fiber.Ctx) error {
		if asked.Add(1) == 1 {
			close(h.begun)
			<-h.release
		}
		fibercache.Own(c, c.Get("X-Caller"))
		return c.SendString("of " + c.Get("X-Caller"))
	})
	if got := h.joinHeld(p, "/toys/1"); got.body != "of bob" {
		t.Errorf("bob got %q", got.body)
	}
	p.wantHit(false, "/toys/1", "X-Caller: ann")
	p.wantHit(true, "/toys/2") // an empty owner is none
}
