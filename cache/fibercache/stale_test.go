package fibercache_test

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/fibercache"
)

// staleOptions keep an answer for a moment, let it stand in for an hour, and have each request try.
var staleOptions = fibercache.Options{
	Options: cache.Options{TTL: 20 * time.Millisecond, MaxStale: time.Hour, RetryAfter: time.Nanosecond},
	Tags:    func(*fiber.Ctx) []string { return []string{"row"} },
}

// TestAStaleAnswerInPlaceOfAFailure makes the handler fail in several ways. It checks that the stale entry is served
// instead, with the header fields of other middleware and none of the failed handler's, until it is invalidated.
func TestAStaleAnswerInPlaceOfAFailure(t *testing.T) {
	for name, row := range map[string]struct {
		fail   fiber.Handler
		status int
		said   string
	}{
		"503": {func(c *fiber.Ctx) error {
			c.Set("Retry-After", "7")
			c.Cookie(&fiber.Cookie{Name: "a", Value: "b"})
			c.Set("X-Why", "busy")
			return c.Status(503).SendString("busy")
		}, 503, "fwd-status=503; "},
		"an error": {func(*fiber.Ctx) error { return errors.New("broken") }, 500, "fwd-status=500; "},
		"a panic":  {func(*fiber.Ctx) error { panic("broken") }, 500, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var away atomic.Bool
			p := mustServe(t, staleOptions, func(c *fiber.Ctx) error {
				if away.Load() {
					return row.fail(c)
				}
				c.Set("Link", "</a>")
				return c.SendString("good")
			}, func(app *fiber.App, _ *cache.Cache) {
				app.Use(func(c *fiber.Ctx) error { c.Set("X-Request-Id", c.Get("X-Request-Id")); return c.Next() })
			})
			p.get("/toys/1")
			away.Store(true)
			time.Sleep(2 * staleOptions.TTL)
			got := p.get("/toys/1", "X-Request-Id: 7")
			if got.status != 200 || got.body != "good" || got.header.Get("Link") != "</a>" ||
				got.header.Get("X-Request-Id") != "7" {
				t.Errorf("got %d %q %v, want what was kept", got.status, got.body, got.header)
			}
			for _, field := range []string{"Retry-After", "Set-Cookie", "X-Why"} {
				if value := got.header.Get(field); value != "" {
					t.Errorf("%s is %q, as the handler set it that failed", field, value)
				}
			}
			if said := got.header.Get("Cache-Status"); !strings.HasPrefix(said, "near; fwd=stale; "+row.said+"ttl=") ||
				!strings.HasSuffix(said, "; detail=stale-on-error") {
				t.Errorf("Cache-Status is %q", said)
			}
			if got := p.get("/toys/1", "If-None-Match: "+got.header.Get("ETag")); got.status != http.StatusNotModified {
				t.Errorf("with its ETag: %d, want 304", got.status)
			}
			p.cache.Invalidate("row")
			if got := p.get("/toys/1"); got.status != row.status || got.body == "good" {
				t.Errorf("after the write: %d %q, want %d", got.status, got.body, row.status)
			}
		})
	}
}

// TestAStaleAnswerWithoutATry asks within RetryAfter of a failure.
func TestAStaleAnswerWithoutATry(t *testing.T) {
	options := staleOptions
	options.RetryAfter = time.Hour
	var asked atomic.Int64
	p := mustServe(t, options, func(c *fiber.Ctx) error {
		if asked.Add(1) > 1 {
			return c.SendStatus(503)
		}
		return c.SendString("good")
	})
	p.get("/toys/1")
	time.Sleep(2 * options.TTL)
	p.get("/toys/1")
	got := p.get("/toys/1")
	if got.status != 200 || got.body != "good" || asked.Load() != 2 {
		t.Errorf("got %d %q after %d calls of the handler, want what was kept after 2",
			got.status, got.body, asked.Load())
	}
	if said := got.header.Get("Cache-Status"); said != "near; hit; ttl=0; detail=stale-on-error" {
		t.Errorf("Cache-Status is %q", said)
	}
}

// TestNothingStaleInPlaceOfARefusal checks that an answer below 500 is one, and no failure.
func TestNothingStaleInPlaceOfARefusal(t *testing.T) {
	var away atomic.Bool
	p := mustServe(t, staleOptions, func(c *fiber.Ctx) error {
		if away.Load() {
			return c.Status(404).SendString("gone")
		}
		return c.SendString("good")
	})
	p.get("/toys/1")
	away.Store(true)
	time.Sleep(2 * staleOptions.TTL)
	if got := p.get("/toys/1"); got.status != 404 || got.body != "gone" {
		t.Errorf("got %d %q, want the handler's 404", got.status, got.body)
	}
}
