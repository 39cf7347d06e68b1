package fibercache_test

import (
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/conditional"
	"github.com/woodytoys/woodytoys/cache/fibercache"
)

func answerToy(c *fiber.Ctx) error {
	c.Set("Cache-Control", "no-cache")
	c.Set("Vary", "Accept")
	c.Set("ETag", `"v1-60e5f2a1b9c4d7e8"`)
	return c.SendString(`{"id":1,"name":"A wooden train","version":1}`)
}

// TestConditionsAllocateNothing checks that reading a request's conditions, as a hit does, allocates nothing.
func TestConditionsAllocateNothing(t *testing.T) {
	state := conditional.State{ETag: []byte(`"v1-60e5f2a1b9c4d7e8"`)}
	for name, lines := range map[string][]string{
		"Host": {"shop"}, "If-None-Match": {`"other"`, `W/"v1-60e5f2a1b9c4d7e8"`},
		"If-Match": {`"other", "v1-60e5f2a1b9c4d7e8"`},
	} {
		var header fasthttp.RequestHeader
		for _, line := range lines {
			header.Add(name, line)
		}
		if n := testing.AllocsPerRun(100, func() { conditional.Read(&header, state) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// BenchmarkHit is a kept answer without a network, BenchmarkBare the handler alone, which sends one
// field less.
func BenchmarkHit(b *testing.B) {
	c, err := cache.New(cache.Config{})
	if err != nil {
		b.Fatal(err)
	}
	cached, err := fibercache.New(c, fibercache.Options{
		Options: cache.Options{Name: "toy", TTL: time.Hour},
		Tags:    func(c *fiber.Ctx) []string { return []string{"toy:" + c.Params("id")} },
	})
	if err != nil {
		b.Fatal(err)
	}
	benchmark(b, cached, answerToy)
}

func BenchmarkBare(b *testing.B) { benchmark(b, answerToy) }

func benchmark(b *testing.B, handlers ...fiber.Handler) {
	app := fiber.New()
	app.Get("/toys/:id", handlers...)
	handler := app.Handler()
	ctx := &fasthttp.RequestCtx{}
	ctx.Request.SetRequestURI("/toys/1")
	ctx.Request.Header.SetMethod("GET")
	b.ReportAllocs()
	for b.Loop() {
		ctx.Response.Reset()
		handler(ctx)
	}
}
