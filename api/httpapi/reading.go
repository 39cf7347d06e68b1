package httpapi

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/cache/fibercache"
)

// reading returns the context of a read. A database that takes no writes may serve it, and then the response is not
// cached.
func reading(c *fiber.Ctx) context.Context {
	return shop.AcceptReadOnly(c.UserContext(), func() { fibercache.Skip(c, "read-only") })
}
