package fibercache_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/conditional/conditionaltest"
	"github.com/woodytoys/woodytoys/cache/fibercache"
)

// echo answers with everything that a key has to hold, and how often it was asked.
func echo(asked *atomic.Int64) fiber.Handler {
	return func(c *fiber.Ctx) error {
		return c.SendString(
			fmt.Sprintf("%s?%s %s #%d", c.Path(), c.Context().QueryArgs().String(), c.Get("Accept"), asked.Add(1)))
	}
}

// TestTheKeyIsEverything checks that the query is part of the key: Fiber's own cache middleware answers ?id=2 with what
// it stored for ?id=1.
func TestTheKeyIsEverything(t *testing.T) {
	var asked atomic.Int64
	p := mustServe(t, fibercache.Options{}, echo(&asked))
	seen := map[string]string{}
	for _, path := range []string{"/toys/1", "/toys/2", "/toys/1?id=1", "/toys/1?id=2", "/toys/1?id=1&page=2",
		"/toys/1?id=1&id=2", "/toys/1?id=2&id=1", "/toys/1?id", "/toys/1?id=1%00page=2"} {
		for _, accept := range []string{"text/plain", "application/json"} {
			got := p.get(path, "Accept: "+accept).body
			if other, taken := seen[got]; taken {
				t.Errorf("%s as %s got the answer of %s", path, accept, other)
			}
			seen[got] = path + " " + accept
			if again := p.get(path, "Accept: "+accept).body; again != got {
				t.Errorf("%s as %s was not kept: %q, then %q", path, accept, got, again)
			}
		}
	}
	if a, b := p.get("/toys/1?x=1&y=2").body, p.get("/toys/1?y=2&x=1").body; a != b {
		t.Errorf("the order of parameters made two keys: %q, %q", a, b)
	}
}

// TestReusedConnectionsNeverMixKeys requests one path after another on each connection, where requests share memory,
// and checks that each response is the one for its path.
func TestReusedConnectionsNeverMixKeys(t *testing.T) {
	p := mustServe(t, fibercache.Options{Tags: func(c *fiber.Ctx) []string { return []string{c.Params("id")} }},
		func(c *fiber.Ctx) error { return c.SendString(c.Params("id")) })
	var group sync.WaitGroup
	for client := range 8 {
		group.Go(func() {
			for i := range 1000 {
				id := strings.Repeat(fmt.Sprint((i*7+client)%50), 1+i%5)
				if got := p.get("/toys/" + id); got.body != id {
					t.Errorf("asked for %s, got %q", id, got.body)
					return
				}
			}
		})
	}
	group.Wait()
}

// TestOnlyGoodAnswersAreKept checks that failures are not cached: Fiber's own cache middleware replays a 500 for a
// minute.
func TestOnlyGoodAnswersAreKept(t *testing.T) {
	for name, row := range map[string]struct {
		handler fiber.Handler
		hit     bool
	}{
		"200":          {func(c *fiber.Ctx) error { return c.SendString("x") }, true},
		"error":        {func(*fiber.Ctx) error { return errors.New("broken") }, false},
		"500":          {func(c *fiber.Ctx) error { return c.SendStatus(500) }, false},
		"302":          {func(c *fiber.Ctx) error { return c.Redirect("/elsewhere") }, false},
		"404, no time": {func(c *fiber.Ctx) error { return c.SendStatus(404) }, false},
		"a cookie": {func(c *fiber.Ctx) error {
			c.Cookie(&fiber.Cookie{Name: "a", Value: "b"})
			return c.SendString("x")
		}, false},
		"no-store": {func(c *fiber.Ctx) error {
			c.Set("Cache-Control", "no-store")
			return c.SendString("x")
		}, false},
		"private": {func(c *fiber.Ctx) error {
			c.Set("Cache-Control", "max-age=1, Private")
			return c.SendString("x")
		}, false},
		"no-cache": {func(c *fiber.Ctx) error {
			c.Set("Cache-Control", "no-cache")
			return c.SendString("x")
		}, true},
		"Vary: *": {func(c *fiber.Ctx) error { c.Set("Vary", "*"); return c.SendString("x") }, false},
		"Vary: Cookie": {func(c *fiber.Ctx) error {
			c.Set("Vary", "Accept, Cookie")
			return c.SendString("x")
		}, false},
		"Vary: Accept":  {func(c *fiber.Ctx) error { c.Set("Vary", "accept"); return c.SendString("x") }, true},
		"private, 2nd":  {lines("Cache-Control", "no-cache", "private"), false},
		"Cookie, 2nd":   {lines("Vary", "Accept", "Cookie"), false},
		"two Links":     {lines("Link", "</a>", "</b>"), true},
		"a body stream": {func(c *fiber.Ctx) error { return c.SendStream(strings.NewReader("x")) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			mustServe(t, fibercache.Options{}, row.handler).wantHit(row.hit, "/toys/1")
		})
	}
	t.Run("Authorization", func(t *testing.T) {
		mustServe(t, fibercache.Options{}, func(c *fiber.Ctx) error { return c.SendString("x") }).
			wantHit(false, "/toys/1", "Authorization: Basic eDp5")
	})
	t.Run("404 for a while", func(t *testing.T) {
		o := fibercache.Options{Options: cache.Options{NegativeTTL: time.Minute}}
		mustServe(t, o, func(*fiber.Ctx) error { return fiber.ErrNotFound }).wantHit(true, "/toys/1")
	})
}

// lines answers with a field of several lines.
func lines(name string, values ...string) fiber.Handler {
	return func(c *fiber.Ctx) error {
		for _, value := range values {
			c.Response().Header.Add(name, value)
		}
		return c.SendString("x")
	}
}

// TestAllLinesOfAFieldAreKept checks that a hit has all lines of a field that the fill had, behind middleware that has
// set some already.
func TestAllLinesOfAFieldAreKept(t *testing.T) {
	o := fibercache.Options{Variant: func(*fiber.Ctx) string { return "" }}
	for outer, want := range map[string]string{
		"":                "Accept",
		"Origin":          "Origin, Accept",
		"Origin, Accept":  "Origin, Accept",
		"Accept-Encoding": "Accept-Encoding, Accept",
	} {
		testAllLines(t, o, outer, want)
	}
}

func testAllLines(t *testing.T, o fibercache.Options, outer, want string) {
	p := mustServe(t, o, func(c *fiber.Ctx) error {
		c.Response().Header.Add("Link", "</a>")
		c.Response().Header.Add("Link", "</b>")
		c.Vary("Accept")
		return c.SendString("x")
	}, func(app *fiber.App, _ *cache.Cache) {
		app.Use(func(c *fiber.Ctx) error {
			if outer != "" {
				c.Set("Vary", outer)
			}
			return c.Next()
		})
	})
	for _, who := range []string{"fill", "hit"} {
		got := p.get("/toys/1").header
		link, vary := strings.Join(got.Values("Link"), ", "), strings.Join(got.Values("Vary"), ", ")
		if link != "</a>, </b>" || vary != want {
			t.Errorf("before it, Vary: %s; the %s has Link: %s and Vary: %s", outer, who, link, vary)
		}
	}
}

// TestWhatIsMadePerAnswer checks that a hit has the handler's Content-Type, Link and ETag of the fill, the X-Request-Id
// that middleware sets for each request, and no field that is not named to be kept.
func TestWhatIsMadePerAnswer(t *testing.T) {
	var n atomic.Int64
	p := mustServe(t, fibercache.Options{}, func(c *fiber.Ctx) error {
		c.Set("Link", "</next>")
		c.Set("X-Secret-Of-One-Caller", "hush")
		return c.JSON("x")
	}, func(app *fiber.App, _ *cache.Cache) {
		app.Use(func(c *fiber.Ctx) error { c.Set("X-Request-Id", fmt.Sprint(n.Add(1))); return c.Next() })
	})
	first, second := p.get("/toys/1"), p.get("/toys/1")
	for _, name := range []string{"Content-Type", "Link", "Etag"} {
		if a, b := first.header.Get(name), second.header.Get(name); a == "" || a != b {
			t.Errorf("%s: %q of the fill, %q of the hit", name, a, b)
		}
	}
	if got := second.header.Get("X-Request-Id"); got != "2" {
		t.Errorf("X-Request-Id of the hit = %q, want its own, 2", got)
	}
	if got := second.header.Get("X-Secret-Of-One-Caller"); got != "" {
		t.Errorf("a field that is not the answer's was kept: %q", got)
	}
}

func TestConditionalRequests(t *testing.T) {
	var asked atomic.Int64
	p := mustServe(t, fibercache.Options{}, func(c *fiber.Ctx) error {
		asked.Add(1)
		c.Set("ETag", `"one"`)
		if c.Get("If-None-Match") != "" {
			return c.SendStatus(304)
		}
		return c.SendString("x")
	})
	for range 2 { // a fill, then a hit
		if got := p.get("/toys/1", `If-None-Match: "other", W/"one"`); got.status != 304 || got.body != "" {
			t.Errorf("got %d %q, want 304", got.status, got.body)
		}
	}
	if got := p.get("/toys/1"); got.status != 200 || got.body != "x" {
		t.Errorf("after conditional requests: %d %q", got.status, got.body)
	}
	if head := p.call(http.MethodHead, "/toys/1"); head.header.Get("Content-Length") != "1" || asked.Load() != 1 {
		t.Errorf("HEAD: %v after %d handler calls, want the kept answer's header", head.header, asked.Load())
	}
}

// TestConditions checks the table against an answer that is just made, one that is kept, and one that is its caller's
// own.
func TestConditions(t *testing.T) {
	for name, control := range map[string]string{"kept": "no-cache", "own": "no-store"} {
		t.Run(name, func(t *testing.T) {
			p := mustServe(t, fibercache.Options{}, func(c *fiber.Ctx) error {
				for _, condition := range []string{"If-Match", "If-None-Match", "If-Modified-Since",
					"If-Unmodified-Since", "If-Range", "Range"} {
					if c.Get(condition) != "" {
						t.Errorf("the handler sees %s", condition)
					}
				}
				c.Set("ETag", `"v1-abc"`)
				c.Set("Cache-Control", control)
				c.Set("Link", "</next>")
				return c.SendString("x")
			})
			for i, row := range conditionaltest.Cases {
				for range 2 { // the first is a fill, the second may be a hit
					got := p.get(fmt.Sprint("/toys/", i), append(row.For(`"v1-abc"`), "Range: bytes=0-0")...)
					want := map[int]string{200: "x", 304: "", 412: "Precondition Failed"}[row.Read]
					if got.status != row.Read || got.body != want {
						t.Errorf("%v = %d %q, want %d %q", row, got.status, got.body, row.Read, want)
					}
					if tag := got.header.Get("ETag"); row.Read == 412 && tag+got.header.Get("Link") != "" ||
						row.Read != 412 && tag != `"v1-abc"` {
						t.Errorf("%v = %d with the fields %v", row, got.status, got.header)
					}
				}
			}
			if got := p.get("/toys/0"); got.status != 200 || got.body != "x" {
				t.Errorf("without conditions: %d %q", got.status, got.body)
			}
		})
	}
}

// TestConditionsByDate checks that If-Modified-Since and If-Unmodified-Since are evaluated against the response's
// Last-Modified, on a fill and on a hit.
func TestConditionsByDate(t *testing.T) {
	const before, date = "Sun, 01 Nov 2026 10:00:00 GMT", "Mon, 02 Nov 2026 10:00:00 GMT"
	dated := mustServe(t, fibercache.Options{}, func(c *fiber.Ctx) error {
		c.Set("Last-Modified", date)
		return c.SendString("x")
	})
	for range 2 {
		for condition, want := range map[string]int{
			"If-Modified-Since: " + date: 304, "If-Modified-Since: " + before: 200,
			"If-Unmodified-Since: " + date: 200, "If-Unmodified-Since: " + before: 412,
		} {
			if got := dated.get("/toys/1", condition); got.status != want {
				t.Errorf("%s = %d, want %d", condition, got.status, want)
			}
		}
	}
}

// TestConditionsOfAFailureMeanNothing checks that conditional requests do not change a redirect or an error response.
func TestConditionsOfAFailureMeanNothing(t *testing.T) {
	for _, status := range []int{302, 400, 404, 503} {
		p := mustServe(t, fibercache.Options{Options: cache.Options{NegativeTTL: time.Minute}},
			func(c *fiber.Ctx) error {
				c.Set("ETag", `"v1-abc"`)
				return c.Status(status).SendString("sorry")
			})
		for i, row := range conditionaltest.Cases {
			if got := p.get(fmt.Sprint("/toys/", i%2), row.For(`"v1-abc"`)...); got.status != status ||
				got.body != "sorry" {
				t.Errorf("%d: %v = %d %q", status, row, got.status, got.body)
			}
		}
	}
}

// TestAnotherCallersConditionStaysAnothers makes two callers with different conditions wait for one fill, and checks
// that each gets the response to its own condition.
func TestAnotherCallersConditionStaysAnothers(t *testing.T) {
	asked, goOn := make(chan bool, 1), make(chan bool)
	p := mustServe(t, fibercache.Options{}, func(c *fiber.Ctx) error {
		asked <- true
		<-goOn
		return c.SendString("x")
	})
	first := make(chan reply)
	go func() { first <- p.get("/toys/1", `If-Match: "other"`) }()
	<-asked
	second := make(chan reply)
	go func() { second <- p.get("/toys/1", `If-None-Match: "other"`) }()
	close(goOn)
	if got := <-first; got.status != 412 {
		t.Errorf("the one who had the handler asked = %d, want 412", got.status)
	}
	if got := <-second; got.status != 200 || got.body != "x" {
		t.Errorf("the other = %d %q, want 200", got.status, got.body)
	}
}

// TestAllLinesOfAcceptAreInTheKey checks that every Accept line is part of the key if there is no Variant, as the
// handler may look at all of them.
func TestAllLinesOfAcceptAreInTheKey(t *testing.T) {
	p := mustServe(t, fibercache.Options{}, func(c *fiber.Ctx) error {
		return c.Send(bytes.Join(c.Request().Header.PeekAll("Accept"), []byte(", ")))
	})
	for _, accept := range [][]string{{"Accept: a/b"}, {"Accept: a/b", "Accept: c/d"}, {"Accept: a/b", "Accept: e/f"},
		{"Accept: a/b,c/d", "Accept: e/f"}} {
		want := strings.ReplaceAll(strings.Join(accept, ", "), "Accept: ", "")
		if got := p.get("/toys/1", accept...).body; got != want {
			t.Errorf("with %q the answer is for %q", accept, got)
		}
	}
}

// TestOneFillForACrowd sends a thousand requests for one cold path.
func TestOneFillForACrowd(t *testing.T) {
	var asked, collapsed atomic.Int64
	begun, release := make(chan struct{}), make(chan struct{})
	p := mustServe(t, fibercache.Options{}, func(c *fiber.Ctx) error {
		asked.Add(1)
		close(begun)
		<-release
		return c.SendString("x")
	})
	var group sync.WaitGroup
	ask := func() {
		got := p.get("/toys/1")
		if got.body != "x" {
			t.Errorf("got %d %q", got.status, got.body)
		}
		if strings.Contains(got.header.Get("Cache-Status"), "collapsed") {
			collapsed.Add(1)
		}
	}
	group.Go(ask)
	<-begun
	for range 999 {
		group.Go(ask)
	}
	close(release)
	group.Wait()
	if asked.Load() != 1 {
		t.Errorf("the handler was asked %d times, want once", asked.Load())
	}
	t.Logf("%d of 999 waited for the fill, the others hit", collapsed.Load())
}

func TestAPanicIsAnErrorForAllAndTheRouteGoesOn(t *testing.T) {
	var asked atomic.Int64
	p := mustServe(t, fibercache.Options{}, func(c *fiber.Ctx) error {
		if asked.Add(1) == 1 {
			panic("broken")
		}
		return c.SendString("x")
	})
	if got := p.get("/toys/1"); got.status != 500 {
		t.Errorf("a panic: %d %q, want 500", got.status, got.body)
	}
	p.wantHit(true, "/toys/1")
}

// TestARefreshAsksTheHandlerAgain asks a route without a pause until it is refreshed, long before its TTL is over, and
// checks that the answers change.
func TestARefreshAsksTheHandlerAgain(t *testing.T) {
	const ttl = 5 * time.Second
	var asked atomic.Int64
	refreshed := make(chan struct{}, 100)
	p := mustServe(t, fibercache.Options{Options: cache.Options{TTL: ttl, RefreshAhead: 0.1}},
		func(c *fiber.Ctx) error {
			if fibercache.IsRefresh(c) {
				defer func() { refreshed <- struct{}{} }()
			}
			return c.SendString(fmt.Sprint(c.Params("id"), " ", c.Query("q"), " #", asked.Add(1)))
		})
	if got := p.get("/toys/7?q=a").body; got != "7 a #1" {
		t.Fatalf("first answer %q", got)
	}
	for done := false; !done; {
		p.get("/toys/7?q=a")
		select {
		case <-refreshed:
			done = true
		default:
		}
	}
	p.cache.Close() // the refresh has landed
	if got := p.get("/toys/7?q=a"); got.body == "7 a #1" || !strings.HasPrefix(got.body, "7 a #") ||
		!strings.HasPrefix(got.header.Get("Cache-Status"), "near; hit") {
		t.Errorf("after the refresh: %q %q, want a newer kept answer", got.body, got.header.Get("Cache-Status"))
	}
}

func TestWritesPassBy(t *testing.T) {
	var asked atomic.Int64
	p := mustServe(t,
		fibercache.Options{Bypass: func(c *fiber.Ctx) bool { return c.Query("write") != "" }}, echo(&asked))
	for _, call := range []func() reply{
		func() reply { return p.call(http.MethodPost, "/toys/1") }, func() reply { return p.get("/toys/1?write=1") },
	} {
		before := asked.Load()
		if got := call().header.Get("Cache-Status"); got != "near; fwd=bypass" {
			t.Errorf("Cache-Status = %q, want a bypass", got)
		}
		call()
		if got := asked.Load() - before; got != 2 {
			t.Errorf("two writes asked the handler %d times", got)
		}
	}
}

// TestSkippedAnswersAreNotKept checks that a response or a 404 that the handler marks with Skip is not cached, that
// Cache-Status says why, and that an unmarked one is cached after it.
func TestSkippedAnswersAreNotKept(t *testing.T) {
	var asked atomic.Int64
	p := mustServe(t, fibercache.Options{Options: cache.Options{NegativeTTL: time.Minute}}, func(c *fiber.Ctx) error {
		if asked.Add(1) < 3 {
			fibercache.Skip(c, "read-only")
		}
		if c.Params("id") == "absent" {
			return c.SendStatus(fiber.StatusNotFound)
		}
		return c.SendString("toy")
	})
	for _, path := range []string{"/toys/1", "/toys/absent"} {
		asked.Store(0)
		for range 2 {
			if got := p.get(path).header.Get("Cache-Status"); got != "origin; detail=read-only, near; fwd=uri-miss" {
				t.Errorf("%s: %q, want why it is not kept", path, got)
			}
		}
		p.wantHit(true, path)
	}
}
