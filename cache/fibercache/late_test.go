package fibercache_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/fibercache"
)

// TestLateHandlersHaveARequestOfTheirOwn makes handlers outlive the requests of their callers, over connections that
// are reused at once. It checks that each handler still sees the request that it began with, and that each response is
// the one to its own request.
func TestLateHandlersHaveARequestOfTheirOwn(t *testing.T) {
	const paths = 6
	var late, mixed atomic.Int64
	p := mustServe(t, fibercache.Options{
		Options: cache.Options{
			TTL: time.Millisecond, MaxStale: time.Hour, RetryAfter: time.Nanosecond,
			SoftTimeout: time.Millisecond, HardTimeout: 2 * time.Millisecond, LateTimeout: time.Minute,
		},
		Tags: func(c *fiber.Ctx) []string { return []string{"toys"} },
	}, func(c *fiber.Ctx) error {
		request := func() string {
			return c.Params("id") + c.Path() + c.Query("q") + c.Get("Q")
		}
		before := strings.Clone(request())
		time.Sleep(time.Duration(rand.IntN(5)) * time.Millisecond)
		if id := c.Params("id"); request() != before || c.Query("q") != id || c.Get("Q") != id {
			mixed.Add(1)
		}
		return c.SendString(c.Params("id"))
	})
	done := make(chan bool)
	var group, writing sync.WaitGroup
	writing.Go(func() { // so that loads wait for others, and begin when their callers have left
		for {
			select {
			case <-done:
				return
			case <-time.After(time.Duration(rand.IntN(40)) * time.Millisecond):
				p.cache.Invalidate("toys")
			}
		}
	})
	for client := range 8 {
		connection := &http.Transport{MaxIdleConnsPerHost: 1}
		t.Cleanup(connection.CloseIdleConnections)
		group.Go(func() {
			for i := range 300 {
				n := (i*7 + client) % paths
				id := strings.Repeat(fmt.Sprint(n), 1+n)
				request, err := http.NewRequest(http.MethodGet, p.url+"/toys/"+id+"?q="+id, nil)
				if err != nil {
					t.Error(err)
					return
				}
				request.Header.Set("Q", id)
				response, err := connection.RoundTrip(request)
				if err != nil {
					t.Error(err)
					return
				}
				body, err := io.ReadAll(response.Body)
				response.Body.Close()
				switch {
				case err != nil:
					t.Error(err)
				case response.StatusCode == http.StatusServiceUnavailable:
					late.Add(1)
				case response.StatusCode != http.StatusOK || string(body) != id:
					t.Errorf("asked for %s, got %d %q", id, response.StatusCode, body)
				}
			}
		})
	}
	group.Wait()
	close(done)
	writing.Wait()
	if n := mixed.Load(); n > 0 {
		t.Errorf("%d handlers found another request than they began with", n)
	}
	if s := p.cache.Stats().Loaders[0]; s.SoftTimeouts == 0 || late.Load() == 0 {
		t.Errorf("%d callers left after SoftTimeout, %d after HardTimeout: not all was put to the test",
			s.SoftTimeouts, late.Load())
	}
}

// timed are options in which nobody is late, and for which copies are made all the same.
var timed = fibercache.Options{Options: cache.Options{HardTimeout: time.Minute}}

// TestALateAnswer makes the handler take longer than HardTimeout. It checks that the caller gets 503, that middleware
// sees an error that wraps ErrLate, and that the late result is cached for the next request.
func TestALateAnswer(t *testing.T) {
	release, ended := make(chan bool), make(chan bool, 1)
	impatient := cache.Options{HardTimeout: 10 * time.Millisecond, LateTimeout: time.Minute}
	p := mustServe(t, fibercache.Options{Options: impatient},
		func(c *fiber.Ctx) error {
			<-release
			defer func() { ended <- true }()
			return c.SendString("good")
		}, func(app *fiber.App, _ *cache.Cache) {
			app.Use(func(c *fiber.Ctx) error {
				err := c.Next()
				if err != nil && !errors.Is(err, cache.ErrLate) {
					t.Errorf("the error is %v, want one that wraps ErrLate", err)
				}
				return err
			})
		})
	if got := p.get("/toys/1"); got.status != http.StatusServiceUnavailable {
		t.Errorf("got %d %q, want 503", got.status, got.body)
	}
	close(release)
	<-ended
	for deadline := time.Now().Add(time.Minute); p.cache.Stats().Entries == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("what the handler answered is not kept")
		}
	}
	if got := p.get("/toys/1"); got.body != "good" || !strings.HasPrefix(got.header.Get("Cache-Status"), "near; hit") {
		t.Errorf("the next one got %d %q %s, want a hit", got.status, got.body, got.header.Get("Cache-Status"))
	}
}

// TestAnswersOfACopy checks that a caller is answered as by the own request, whatever the handler makes of a copy.
func TestAnswersOfACopy(t *testing.T) {
	for name, row := range map[string]struct {
		handler fiber.Handler
		asked   int64
		want    reply
	}{
		"kept": {func(c *fiber.Ctx) error { c.Set("Link", "</a>"); return c.SendString("x") }, 1,
			reply{200, http.Header{"Link": {"</a>"}}, "x"}},
		"cookies": {func(c *fiber.Ctx) error {
			c.Cookie(&fiber.Cookie{Name: "a", Value: "b"})
			c.Cookie(&fiber.Cookie{Name: "c", Value: c.Get("Who")})
			return c.SendString("x")
		}, 1, reply{200,
			http.Header{"Set-Cookie": {"a=b; path=/; SameSite=Lax", "c=alice; path=/; SameSite=Lax"}}, "x"}},
		"private": {func(c *fiber.Ctx) error {
			c.Set("Cache-Control", "private")
			c.Set("X-Any", "thing")
			c.Type("json")
			return c.SendString(c.Get("Who"))
		}, 1, reply{200, http.Header{"X-Any": {"thing"}, "Content-Type": {"application/json"}}, "alice"}},
		"a stream": {func(c *fiber.Ctx) error { return c.SendStream(strings.NewReader(c.Get("Who"))) }, 2,
			reply{200, nil, "alice"}},
		"an error": {func(*fiber.Ctx) error { return fiber.ErrTeapot }, 1, reply{418, nil, "I'm a teapot"}},
		"a panic":  {func(*fiber.Ctx) error { panic("broken") }, 1, reply{500, nil, "the load panicked: broken"}},
	} {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int64
			p := mustServe(t, timed, func(c *fiber.Ctx) error { asked.Add(1); return row.handler(c) },
				func(app *fiber.App, _ *cache.Cache) {
					var n atomic.Int64
					app.Use(func(c *fiber.Ctx) error {
						c.Set("X-Request-Id", fmt.Sprint(n.Add(1)))
						return c.Next()
					})
				})
			got := p.get("/toys/1", "Who: alice")
			if got.status != row.want.status || got.body != row.want.body || asked.Load() != row.asked {
				t.Errorf("got %d %q after %d calls, want %d %q after %d",
					got.status, got.body, asked.Load(), row.want.status, row.want.body, row.asked)
			}
			if id := got.header.Get("X-Request-Id"); id != "1" {
				t.Errorf("the request's id is %s, want that of the caller's own", id)
			}
			for name, want := range row.want.header {
				if got := got.header[name]; fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
		})
	}
}

// TestACopyThatDoesNotArrive checks that the caller still gets the handler's response when middleware rejects the copy
// of the request that the cache sends.
func TestACopyThatDoesNotArrive(t *testing.T) {
	p := mustServe(t, timed, func(c *fiber.Ctx) error { return c.SendString("x") },
		func(app *fiber.App, _ *cache.Cache) {
			app.Use(func(c *fiber.Ctx) error {
				if fibercache.IsRefresh(c) {
					return c.SendStatus(429)
				}
				return c.Next()
			})
		})
	if got := p.get("/toys/1"); got.status != 200 || got.body != "x" {
		t.Errorf("got %d %q, want the handler's answer", got.status, got.body)
	}
}
