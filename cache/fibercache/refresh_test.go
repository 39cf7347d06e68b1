package fibercache_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/recover"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/fibercache"
)

// around has middleware around all routes.
func around(middleware fiber.Handler) func(*fiber.App, *cache.Cache) {
	return func(app *fiber.App, _ *cache.Cache) { app.Use(middleware) }
}

func echoID(c *fiber.Ctx) error { return c.SendString(c.Params("id")) }

// TestACopyThatBecameAnother checks that nothing is kept under a key whose copy of a request middleware has sent to
// another path.
func TestACopyThatBecameAnother(t *testing.T) {
	p := mustServe(t, timed, echoID, around(func(c *fiber.Ctx) error {
		if fibercache.IsRefresh(c) {
			c.Path("/toys/2")
		}
		return c.Next()
	}))
	for range 2 {
		if got := p.call("GET", "/toys/1"); got.body != "1" {
			t.Errorf("a copy that became another's: %q", got.body)
		}
	}
}

// TestACopyOfAnotherVariant draws a variant for each request that comes past, the cache's copies too: nobody gets one
// that was drawn for somebody else.
func TestACopyOfAnotherVariant(t *testing.T) {
	var drawn atomic.Int64
	o := timed
	o.Variant = func(c *fiber.Ctx) string { return c.Locals("variant").(string) }
	p := mustServe(t, o, func(c *fiber.Ctx) error { return c.SendString(o.Variant(c)) },
		around(func(c *fiber.Ctx) error {
			variant := strconv.FormatInt(drawn.Add(1), 10)
			c.Locals("variant", variant)
			if !fibercache.IsRefresh(c) {
				c.Set("Drawn", variant)
			}
			return c.Next()
		}))
	for range 3 {
		if got := p.call("GET", "/toys/1"); got.body != got.header.Get("Drawn") {
			t.Errorf("who drew %s got the response of %s", got.header.Get("Drawn"), got.body)
		}
	}
}

// TestOneRouteInAnother checks that a copy that one decorated route has made is passed on by another before it.
func TestOneRouteInAnother(t *testing.T) {
	p := mustServe(t, timed, func(c *fiber.Ctx) error {
		if c.Query("own") != "" {
			c.Set(fiber.HeaderCacheControl, "private")
		}
		return echoID(c)
	}, func(app *fiber.App, c *cache.Cache) {
		o := timed
		o.Name, o.TTL = "outer", time.Minute
		o.Variant = func(*fiber.Ctx) string { return "another key" }
		outer, err := fibercache.New(c, o)
		if err != nil {
			t.Fatal(err)
		}
		app.Use(outer)
	})
	for _, path := range []string{"/toys/1", "/toys/1", "/toys/2?own=1", "/toys/2?own=1"} {
		if got := p.call("GET", path); got.status != http.StatusOK || got.body != path[6:7] {
			t.Errorf("%s: %d %q", path, got.status, got.body)
		}
	}
}

// TestACopyThatIsRoutedAnew has the handler begin anew with the request, once: it does not wait for itself.
func TestACopyThatIsRoutedAnew(t *testing.T) {
	o := fibercache.Options{Options: cache.Options{HardTimeout: 10 * time.Second}}
	p := mustServe(t, o, func(c *fiber.Ctx) error {
		if c.Locals("again") == nil {
			c.Locals("again", true)
			return c.RestartRouting()
		}
		return echoID(c)
	})
	if got := p.call("GET", "/toys/1"); got.status != http.StatusOK || got.body != "1" {
		t.Errorf("%d %q", got.status, got.body)
	}
}

// TestPrivateTwice has middleware write private before a handler that writes the same: nobody gets another's response.
func TestPrivateTwice(t *testing.T) {
	private := func(c *fiber.Ctx) { c.Set(fiber.HeaderCacheControl, "private") }
	p := mustServe(t, fibercache.Options{}, func(c *fiber.Ctx) error {
		private(c)
		return c.SendString(c.Get("Who"))
	}, around(func(c *fiber.Ctx) error {
		private(c)
		return c.Next()
	}))
	for _, who := range []string{"alice", "bob"} {
		if got := p.call("GET", "/toys/1", "Who: "+who); got.body != who {
			t.Errorf("%s got the response of %s", who, got.body)
		}
	}
}

// TestNamesThatAreNotNormalized checks that an application which takes names of fields as they were spelled has nothing
// cached: not even of requests that name somebody.
func TestNamesThatAreNotNormalized(t *testing.T) {
	c, err := cache.New(cache.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	cached, err := fibercache.New(c, fibercache.Options{Options: cache.Options{Name: "toy", TTL: time.Minute}})
	if err != nil {
		t.Fatal(err)
	}
	app := fiber.New(fiber.Config{DisableHeaderNormalizing: true})
	app.Get("/", cached, func(c *fiber.Ctx) error { return c.Send(c.Request().Header.Peek("authorization")) })
	for _, who := range []string{"alice", "bob"} {
		request := httptest.NewRequest("GET", "/", nil)
		request.Header["authorization"] = []string{who}
		response, err := app.Test(request, -1)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(response.Body); string(body) != who || err != nil {
			t.Errorf("%s got %q, %v", who, body, err)
		}
	}
}

// TestAPanicOfACopyIsAFailure checks that a handler which panics is not asked again for the caller itself, also where
// middleware recovers from it.
func TestAPanicOfACopyIsAFailure(t *testing.T) {
	var asked atomic.Int64
	p := mustServe(t, timed, func(*fiber.Ctx) error {
		asked.Add(1)
		panic("on purpose")
	}, around(recover.New()))
	if got := p.call("GET", "/toys/1"); got.status != http.StatusInternalServerError || asked.Load() != 1 {
		t.Errorf("%d, and the handler was asked %d times; want 500 and once", got.status, asked.Load())
	}
}
