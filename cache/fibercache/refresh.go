package fibercache

import (
	"context"
	"runtime/debug"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/woodytoys/woodytoys/cache"
)

type refreshKey struct{}

// refresh is a fill with a copy of a request: the request itself is gone when its caller has been answered.
type refresh struct {
	route  *route
	key    string
	ctx    context.Context
	fill   *cache.Fill
	taken  bool    // the handler that is wanted has the copy
	answer *Answer // what came of it; nil when the copy did not come to this route, or the handler panicked
	err    error
}

// refresh sends a copy of the request through the application once more, in the background.
func (r *route) refresh(c *fiber.Ctx, key string) {
	r.loader.Refresh(context.WithoutCancel(r.contextOf(c)), key, r.tags(c), r.copyOf(c, key))
}

// loadApart is like load, with a copy of the request, which may go on when this caller has left.
func (r *route) loadApart(c *fiber.Ctx, key string, missed cache.Info) (*Answer, cache.Info, error) {
	ctx, stop := r.Caller(c)
	defer stop()
	return r.loader.Fill(ctx, key, r.tags(c), r.copyOf(c, key), missed)
}

// copyOf returns a load that sends a copy of the request through the application once more. It has nothing of the
// request itself, whose memory is that of the next one on the connection when its caller has been answered.
func (r *route) copyOf(c *fiber.Ctx, key string) cache.Load[*Answer] {
	key = strings.Clone(key)
	request := &fasthttp.Request{}
	c.Request().CopyTo(request)
	request.Header.SetMethod(fiber.MethodGet) // HEAD may have found it due
	app, remote := c.App(), c.Context().RemoteAddr()
	return func(ctx context.Context, fill *cache.Fill) (*Answer, error) {
		again := &refresh{route: r, key: key, ctx: ctx, fill: fill}
		var copied fasthttp.RequestCtx
		copied.Init(request, remote, nil)
		copied.SetUserValue(refreshKey{}, again)
		app.Handler()(&copied)
		if again.answer == nil && again.err == nil {
			return nil, errNotAsked
		}
		return again.answer, again.err
	}
}

// handle handles a copy that has come to a route. Another route passes it on: the copy is not for it. What middleware
// has made another request of, by another path or variant, is not taken: its answer belongs under another key.
func (again *refresh) handle(r *route, c *fiber.Ctx) error {
	switch {
	case again.route != r:
		return c.Next()
	case !again.is(r, c):
		return nil
	}
	return again.run(c)
}

// is reports whether a request that has come to a route is the one that the copy was made from.
func (again *refresh) is(r *route, c *fiber.Ctx) bool {
	return again.route == r && !r.bypassed(c) && string(r.appendKey(nil, c)) == again.key
}

// run runs the handler. That it panics is noted before middleware may recover from it.
func (again *refresh) run(c *fiber.Ctx) error {
	again.taken = true
	defer func() {
		if again.answer == nil {
			value := recover() // nil if it ends its goroutine
			again.err = &cache.PanicError{Value: value, Stack: debug.Stack()}
			if value != nil {
				panic(value)
			}
		}
	}()
	var before fasthttp.ResponseHeader
	c.Response().Header.CopyTo(&before)
	again.answer, again.err = again.route.ask(again.ctx, c, again.fill)
	if again.answer.own {
		again.answer.apart = &apart{written(&before, &c.Response().Header), c.Response().IsBodyStream()}
		c.Response().ResetBody() // closes a body stream, if there is one
	}
	return nil
}

// IsRefresh reports whether a request is the cache's own: a copy of a caller's, to refresh an answer that is kept, or
// to make one that the caller may not wait for, where there is a SoftTimeout or HardTimeout. The caller's own request
// goes through the application as well: middleware may leave the copy out of its counts,
// and must not have it wait for what the caller's request holds, such as a lock of the session or a place in a limiter:
// that request may wait for it.
func IsRefresh(c *fiber.Ctx) bool {
	_, refreshing := c.Context().UserValue(refreshKey{}).(*refresh)
	return refreshing
}
