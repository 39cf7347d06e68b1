package httpapi

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/cache/fibercache"
)

// reading is the context of a read. A database that takes no writes may answer it, and then nobody keeps the answer.
func reading(c *fiber.Ctx) context.Context {
	return shop.AcceptReadOnly(c.UserContext(), func() { fibercache.Skip(c, "read-only") })
}
