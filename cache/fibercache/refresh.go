package fibercache

import (
	"context"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/woodytoys/woodytoys/cache"
)

type refreshKey struct{}

// refresh is a background fill: the handler is asked with a copy of a request, since the request
// itself is gone when its caller has been answered.
type refresh struct {
	ctx    context.Context
	fill   *cache.Fill
	answer *Answer // what came of it; nil when the copy did not come to this route
	err    error
}

// refresh sends a copy of the request through the application once more, in the background.
func (r *route) refresh(c *fiber.Ctx, key string) {
	request := &fasthttp.Request{}
	c.Request().CopyTo(request)
	request.Header.SetMethod(fiber.MethodGet) // HEAD may have found it due
	app, remote := c.App(), c.Context().RemoteAddr()
	r.loader.Refresh(context.Background(), key, r.tags(c), func(ctx context.Context, fill *cache.Fill) (*Answer, error) {
		again := &refresh{ctx: ctx, fill: fill}
		var copied fasthttp.RequestCtx
		copied.Init(request, remote, nil)
		copied.SetUserValue(refreshKey{}, again)
		app.Handler()(&copied)
		if again.answer == nil {
			return nil, errNotAsked
		}
		return again.answer, again.err
	})
}

func (again *refresh) run(r *route, c *fiber.Ctx) error {
	again.answer, again.err = r.ask(again.ctx, c, again.fill)
	return nil
}

// IsRefresh reports whether a request is the cache's own, to refresh an answer that it keeps. No
// caller waits for it: middleware may leave it out of its counts.
func IsRefresh(c *fiber.Ctx) bool {
	_, refreshing := c.Context().UserValue(refreshKey{}).(*refresh)
	return refreshing
}
