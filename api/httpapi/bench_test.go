package httpapi_test

import (
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// BenchmarkTime is what the plainest call costs without a network.
func BenchmarkTime(b *testing.B) {
	handler := mustServe(b).api.App().Server().Handler
	ctx := &fasthttp.RequestCtx{}
	ctx.Request.SetRequestURI("/api/misc/time")
	ctx.Request.Header.SetMethod("GET")
	b.ReportAllocs()
	for b.Loop() {
		ctx.Response.Reset()
		handler(ctx)
	}
}

// BenchmarkHit is a product that the cache has, without a network, in text and in JSON. BenchmarkBare is a bare Fiber
// handler that sends the same fields.
func BenchmarkHit(b *testing.B) {
	shop := mustServe(b)
	if _, err := shop.shop.AddProduct(b.Context(), "A wooden train"); err != nil {
		b.Fatal(err)
	}
	for _, accept := range []string{"text/plain", "application/json"} {
		b.Run(accept, func(b *testing.B) { benchmarkProduct(b, shop.api.App().Server().Handler, accept) })
	}
}

func BenchmarkBare(b *testing.B) {
	app := fiber.New()
	fields := [][2]string{
		{"X-Request-Id", "60e5f2a1b9c4-1z141z"}, {"Cache-Control", "no-cache"}, {"Vary", "Accept"},
		{"Etag", `"v1-60e5f2a1b9c4d7e8"`}, {"Cache-Status", "near; hit; ttl=59"}, {"X-Served-By", "replica-1"},
		{"Server-Timing", "app;dur=0.004"},
	}
	app.Get("/api/products/:id", func(c *fiber.Ctx) error {
		for _, f := range fields {
			c.Set(f[0], f[1])
		}
		c.Set("Content-Type", "application/json")
		return c.SendString(`{"id":1,"name":"A wooden train","version":1}`)
	})
	benchmarkProduct(b, app.Handler(), "application/json")
}

func benchmarkProduct(b *testing.B, handler fasthttp.RequestHandler, accept string) {
	ctx := &fasthttp.RequestCtx{}
	ctx.Request.SetRequestURI("/api/products/1")
	ctx.Request.Header.SetMethod("GET")
	ctx.Request.Header.Set("Accept", accept)
	ctx.Request.Header.Set("Host", "localhost:8080")
	handler(ctx)
	b.ReportAllocs()
	for b.Loop() {
		ctx.Response.Reset()
		handler(ctx)
	}
	if got := ctx.Response.StatusCode(); got != fiber.StatusOK {
		b.Fatalf("status %d", got)
	}
}
