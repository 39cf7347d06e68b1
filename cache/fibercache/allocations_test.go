package fibercache

import (
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/woodytoys/woodytoys/cache"
)

// TestAHitAllocatesNothing counts what a hit allocates, where callers are asked for and where not.
func TestAHitAllocatesNothing(t *testing.T) {
	// The pool makes the same scratch each time: under the race detector it loses some at random.
	make, one := scratches.New, scratches.New()
	scratches.New = func() any { return one }
	t.Cleanup(func() { scratches.New = make })
	for name, allow := range map[string]func(*fiber.Ctx, string) error{
		"anybody's": nil,
		"ann's": func(_ *fiber.Ctx, owner string) error {
			if owner != "ann" {
				return fiber.ErrNotFound
			}
			return nil
		},
	} {
		c, err := cache.New(cache.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		cached, err := New(c, Options{Options: cache.Options{Name: "toy", TTL: time.Hour}, Allow: allow})
		if err != nil {
			t.Fatal(err)
		}
		var allocations float64
		app := fiber.New()
		app.Get("/toys/:id", func(c *fiber.Ctx) error {
			if err := cached(c); err != nil {
				return err
			}
			allocations = testing.AllocsPerRun(1000, func() { cached(c) })
			return nil
		}, func(c *fiber.Ctx) error {
			if allow != nil {
				Own(c, "ann")
			}
			return c.SendString("x")
		})
		var ctx fasthttp.RequestCtx
		ctx.Request.SetRequestURI("/toys/1")
		app.Handler()(&ctx)
		if allocations != 0 {
			t.Errorf("%s: a hit allocates %v times", name, allocations)
		}
		if got := string(ctx.Response.Header.PeekBytes(statusName)); len(got) < 9 || got[:9] != "near; hit" {
			t.Errorf("%s: %q is no hit", name, got)
		}
	}
}
