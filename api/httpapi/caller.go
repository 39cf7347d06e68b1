package httpapi

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/api/callers"
	"github.com/woodytoys/woodytoys/cache/fibercache"
)

// statusLeft is what the metrics count where the caller left before there was an answer: nginx's 499. Nobody reads it.
const statusLeft = 499

// forCaller is the middleware of the handlers that may take long. It gives them a context that ends when nobody waits
// for the answer any more, or the process can wait no longer. A fill's has been made by the cache, from those of all
// who wait for it.
func (a *API) forCaller(c *fiber.Ctx) error {
	switch {
	case fibercache.IsRefresh(c):
		if ctx := a.process; a.usesContext {
			c.SetUserContext(callers.Carry(ctx, c.UserContext()))
		} else {
			c.SetUserContext(ctx)
		}
	case !fibercache.IsFill(c):
		ctx, stop := a.watch(c)
		defer stop()
		c.SetUserContext(ctx)
	}
	return c.Next()
}

// watch returns the context of a request's caller.
func (a *API) watch(c *fiber.Ctx) (ctx context.Context, stop context.CancelFunc) {
	ctx, stop = callers.Watch(a.process, c.Context().Conn())
	if a.usesContext {
		ctx = callers.Carry(ctx, c.UserContext())
	}
	return ctx, stop
}
