package fibercache_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/fibercache"
)

var ownerReads = flag.Int("owner-reads", 6_000, "how many reads by several callers are checked over HTTP")

// toys are a table whose rows change their owners: each is an owner's, nobody's, or not there.
type toys struct {
	rows    [4]atomic.Value // the owner; "none" where there is no row
	version atomic.Int64
}

func (t *toys) row(c *fiber.Ctx) *atomic.Value { return &t.rows[c.Params("id")[0]-'0'] }

// handle reads a row. It is late, fails, and may only be read past the cache, at random.
func (t *toys) handle(c *fiber.Ctx) error {
	owner := t.row(c).Load().(string)
	for range rand.IntN(50) { // others come to wait for it
		runtime.Gosched()
	}
	if rand.IntN(10) == 0 {
		return errBroken
	}
	c.Set("X-Row", owner)
	if owner == "none" {
		return errNoToy
	}
	fibercache.Own(c, owner)
	if owner != "" && rand.IntN(10) == 0 { // what fails without an owner must have nothing of anybody
		return fiber.NewError(fiber.StatusInternalServerError, "of "+owner)
	}
	c.Set("ETag", fmt.Sprintf(`"%d"`, t.version.Load()))
	if rand.IntN(10) == 0 {
		c.Set("Cache-Control", "private")
	}
	return c.SendString("of " + owner)
}

var errBroken = fiber.NewError(fiber.StatusServiceUnavailable, "broken")

// write gives a row to somebody, or takes it away.
func (t *toys) write(c *cache.Cache) fiber.Handler {
	return func(ctx *fiber.Ctx) error {
		t.row(ctx).Store([]string{"ann", "bob", "", "none"}[rand.IntN(4)])
		t.version.Add(1)
		c.Invalidate("row:" + ctx.Params("id"))
		return nil
	}
}

// TestOwnersNeverMeet makes random concurrent reads as two customers, an administrator and an anonymous caller, while
// rows change owners: from the cache and past it, conditional or not, by GET and HEAD, fresh and stale. It checks that
// only the owner and the administrator get anything of a row, and that every other read gets byte for byte the response
// for a row that does not exist, or for a failed read.
func TestOwnersNeverMeet(t *testing.T) {
	table := &toys{}
	for i := range table.rows {
		table.rows[i].Store("none")
	}
	o := owned(fibercache.Options{
		Options: cache.Options{TTL: 2 * time.Millisecond, MaxStale: time.Hour, RetryAfter: time.Microsecond},
		Bypass:  func(c *fiber.Ctx) bool { return c.Get("Past") != "" },
		Tags:    func(c *fiber.Ctx) []string { return []string{"row:" + c.Params("id")} },
	})
	p := mustServe(t, o, table.handle, func(app *fiber.App, c *cache.Cache) { app.Put("/toys/:id", table.write(c)) })
	var allowed [2]string // for what is not there, and for what fails
	for i, status := range []int{404, 503} {
		for allowed[i] == "" {
			if got := p.get("/toys/0", "Who: bob", "Past: 1"); got.status == status {
				allowed[i] = got.dump()
			}
		}
	}
	var reads, refused, served atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for reads.Add(1) <= int64(*ownerReads) && !t.Failed() {
				path := fmt.Sprint("/toys/", rand.IntN(len(table.rows)))
				if rand.IntN(20) == 0 {
					p.call(http.MethodPut, path)
					continue
				}
				who := []string{"ann", "bob", "root", ""}[rand.IntN(4)]
				if checkRead(t, p, path, who, allowed) {
					served.Add(1)
				} else {
					refused.Add(1)
				}
			}
		})
	}
	all.Wait()
	stats := p.cache.Stats().Loaders[0]
	if stats.Hits == 0 || stats.Joined == 0 || served.Load() == 0 || refused.Load() == 0 {
		t.Errorf("%d were served and %d refused, with %+v: something did not come about",
			served.Load(), refused.Load(), stats)
	}
}

// checkRead makes one read, in some way, and reports whether something was sent.
func checkRead(t *testing.T, p *program, path, who string, allowed [2]string) (served bool) {
	method, fields := http.MethodGet, []string{"Who: " + who}
	if rand.IntN(5) == 0 {
		method = http.MethodHead
	}
	switch rand.IntN(6) {
	case 0:
		fields = append(fields, "Past: 1")
	case 1:
		fields = append(fields, "If-None-Match: *")
	case 2:
		fields = append(fields, `If-Match: "0"`)
	}
	got := p.call(method, path, fields...)
	dump := got.dump()
	for _, same := range allowed {
		if method == http.MethodHead {
			same, _, _ = strings.Cut(same, "\n\n")
			same += "\n\n"
		}
		if dump == same {
			return false
		}
	}
	mine := who == "ann" || who == "bob"
	switch {
	case who == "root":
	case !mine, got.body != "" && got.body != "of "+who && got.status != http.StatusPreconditionFailed,
		got.header.Get("X-Row") != "" && got.header.Get("X-Row") != who:
		t.Errorf("%q got\n%s", who, dump)
	}
	return true
}
