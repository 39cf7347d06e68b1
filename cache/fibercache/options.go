package fibercache

import (
	"context"
	"fmt"
	"slices"

	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/cachestatus"
)

// Options are how one route's answers are kept. The key is everything that an answer may depend on: the path, the query
// and the variant. Requests with an Authorization field are never answered from the cache, nor are answers kept that
// set a cookie, or whose Cache-Control is private or no-store, that are streamed, or that are neither 200 nor, with a
// NegativeTTL, 404 or 410. The host is not in the key: a program that serves several decorates with a Variant that
// names them. With Fiber's DisableHeaderNormalizing nothing is kept, since fields could have any spelling.
//
// With a MaxStale, a handler that responds with 500 or above has failed, and so has one that panics: an answer that was
// kept, and whose time is over, is sent in its place, without a trace of what the handler wrote. Cache-Status shows it:
// near; fwd=stale; fwd-status=503; ttl=-12; detail=stale-on-error, and within RetryAfter near; hit; ttl=-13;
// detail=stale-on-error.
//
// A handler is waited for by all who ask for the same; it must bound its own time, and is to end when c.UserContext()
// does. With RefreshAhead the request is sent through the application a second time, in the background (see IsRefresh).
//
// So it is with a SoftTimeout or HardTimeout for each answer that is not kept, since a handler may go on then when its
// caller has been answered, whose request is the next one on the connection: it sees a copy, for which all middleware
// runs once more, and nothing of what a connection is (c.IP is as for the caller; c.Secure is not). After HardTimeout,
// without a stale answer, the caller is answered 503, as an error that wraps cache.ErrLate. An answer that is streamed,
// or a copy that other middleware answers, has the handler run for the caller itself, who waits for it.
type Options struct {
	cache.Options

	// Query names the parameters that the answer depends on; others do not count, so that nobody
	// can empty the cache by making some up. Default: nil, all of them, in any order.
	Query []string
	// Variant is what the answer depends on beside the path and the query: the negotiated type, the
	// language. It should have few values. Default: nil, the Accept field as it is; then an answer
	// that varies by anything else is not kept.
	Variant func(c *fiber.Ctx) string
	// Tags are what the answer is made from, as far as the request determines it; a handler names the rest
	// with Tag. Default: none, the answer is right until it expires.
	Tags func(c *fiber.Ctx) []string
	// Bypass reports whether a request is not for the cache, such as a GET that writes. Default: none.
	Bypass func(c *fiber.Ctx) bool
	// Allow returns an error where a caller may not have an answer, which Fail sends in its place. It is asked about
	// each answer to GET and HEAD, however it came about, by the owner that the handler has named (see Own): about one
	// without an owner too, unless that is a failure of 500 or above. What is refused is as if the handler had not run:
	// where the refusal is the error that the handler returns for what is not there, its response is the same, for
	// Allow is asked about that too. But what is kept is refused sooner than what has to be looked for, and also while
	// that fails: of an id that can be guessed, it can be found out whether it is kept. Other methods, and a GET that
	// writes, are the handler's to refuse, before it writes. Default: nil, all may have what is kept.
	Allow func(c *fiber.Ctx, owner string) error
	// Keep names more header fields that belong to the answer and are to be kept with it; the usual
	// ones are: Cache-Control, Vary, Link, Location, Retry-After, Last-Modified and their like, unless
	// something before this handler set them. Default: none.
	Keep []string
	// Caller returns a context that ends when a request's caller does not wait for the answer any more; stop is called
	// when there is one. A fill goes on until all its callers have left: its context, which is the handler's
	// c.UserContext(), ends then. Its values are those that the fill has, for cache.Config.Tracer. Default: callers
	// wait until their fill has ended.
	Caller func(c *fiber.Ctx) (ctx context.Context, stop context.CancelFunc)
	// Fail writes the answer to an error that the handler returned. Default: the application's
	// ErrorHandler.
	Fail func(c *fiber.Ctx, err error)
}

// New returns the handler to put before a route's own. It fails on options that cannot work.
func New(c *cache.Cache, o Options) (fiber.Handler, error) {
	if o.Fail == nil {
		o.Fail = func(c *fiber.Ctx, err error) {
			if err := c.App().ErrorHandler(c, err); err != nil {
				c.Status(fiber.StatusInternalServerError)
			}
		}
	}
	if o.Caller == nil {
		o.Caller = func(*fiber.Ctx) (context.Context, context.CancelFunc) { return context.Background(), func() {} }
	}
	if o.Codec == nil {
		o.Codec = codec{owned: o.Allow != nil}
	}
	loader, err := cache.NewLoader[*Answer](c, o.Options)
	if err != nil {
		return nil, fmt.Errorf("fibercache: %w", err)
	}
	o.Query = slices.Clone(o.Query)
	slices.Sort(o.Query)
	kept := slices.Concat(keptFields, o.Keep)
	return (&route{Options: o, layers: cachestatus.Of(c), loader: loader, kept: kept, traced: c.Traced()}).handle, nil
}
