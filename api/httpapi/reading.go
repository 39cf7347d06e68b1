package httpapi

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/cache/fibercache"
)

// reading returns the context of a read. A database that takes no writes may serve it, and then the response is not
// cached. Where the caller prefers the primary, the read is made there; what comes of it is kept nowhere.
func reading(c *fiber.Ctx) context.Context {
	ctx := shop.AcceptReadOnly(writing(c), func() { fibercache.Skip(c, "read-only") })
	if prefersPrimary(c) {
		set(&c.Response().Header, fieldPreferenceApplied, readPrimary)
		ctx = shop.AtPrimary(ctx)
	}
	return ctx
}

// writing returns the context of a write. The response has the name of the database that replied.
func writing(c *fiber.Ctx) context.Context {
	return shop.NoteDatabase(c.UserContext(), func(name string) {
		c.Locals(databaseKey{}, name)
		set(&c.Response().Header, fieldServerTiming, `db;desc="`+name+`"`)
	})
}

type databaseKey struct{}

// databaseOf returns the name of the database that replied; empty where none was asked.
func databaseOf(c *fiber.Ctx) string {
	name, _ := c.Locals(databaseKey{}).(string)
	return name
}
