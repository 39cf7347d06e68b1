package fibercache_test

import (
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/fibercache"
)

// A handler behind the cache, and a write that says what it changes.
func Example() {
	name := "yoyo" // the database
	c, err := cache.New(cache.Config{})
	if err != nil {
		panic(err)
	}
	cached, err := fibercache.New(c, fibercache.Options{
		Options: cache.Options{Name: "toy", TTL: time.Minute},
		Tags:    func(c *fiber.Ctx) []string { return []string{"toy:" + c.Params("id")} },
	})
	if err != nil {
		panic(err)
	}
	app := fiber.New()
	app.Get("/toys/:id", cached, func(c *fiber.Ctx) error { return c.SendString(name) })
	app.Put("/toys/:id", func(ctx *fiber.Ctx) error {
		name = string(ctx.Body())
		c.Invalidate("toy:" + ctx.Params("id"))
		return ctx.SendStatus(fiber.StatusNoContent)
	})

	show := func() {
		response, err := app.Test(httptest.NewRequest("GET", "/toys/1", nil), -1) // however long it takes
		if err != nil {
			panic(err)
		}
		body, _ := io.ReadAll(response.Body)
		status, _, _ := strings.Cut(response.Header.Get("Cache-Status"), "; ttl") // the seconds are left out
		fmt.Printf("%s (%s)\n", body, status)
	}
	show()
	show()
	name = "train"
	c.Invalidate("toy:1")
	show()
	// Output:
	// yoyo (origin, near; fwd=uri-miss; stored)
	// yoyo (near; hit)
	// train (origin, near; fwd=stale; detail=invalidated; stored)
}
