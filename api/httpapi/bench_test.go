package httpapi_test

import (
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/woodytoys/woodytoys/api/shop"
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
	served := mustServe(b)
	if _, err := served.shop.AddProduct(b.Context(), shop.Goods{Name: "A wooden train"}); err != nil {
		b.Fatal(err)
	}
	for _, accept := range []string{"text/plain", "application/json"} {
		b.Run(accept, func(b *testing.B) { benchmarkProduct(b, served.api.App().Server().Handler, accept, "") })
	}
}

// BenchmarkHitByToken measures the same with accounts, with a known token and without one.
func BenchmarkHitByToken(b *testing.B) {
	served := mustServeAccounts(b)
	token := strings.TrimPrefix(served.as("ann"), "Authorization: ")
	for _, row := range []struct{ name, authorization string }{{"known", token}, {"none", ""}} {
		b.Run(row.name, func(b *testing.B) {
			benchmarkProduct(b, served.api.App().Server().Handler, "application/json", row.authorization)
		})
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
	benchmarkProduct(b, app.Handler(), "application/json", "")
}

func benchmarkProduct(b *testing.B, handler fasthttp.RequestHandler, accept, authorization string) {
	ctx := &fasthttp.RequestCtx{}
	ctx.Request.SetRequestURI("/api/products/1")
	ctx.Request.Header.SetMethod("GET")
	ctx.Request.Header.Set("Accept", accept)
	ctx.Request.Header.Set("Host", "localhost:8080")
	handler(ctx)
	b.ReportAllocs()
	for b.Loop() {
		ctx.Response.Reset()
		if authorization != "" { // the API takes it off the request, and its caller with the rest
			ctx.Request.Header.Set("Authorization", authorization)
			ctx.ResetUserValues()
		}
		handler(ctx)
	}
	if got := ctx.Response.StatusCode(); got != fiber.StatusOK {
		b.Fatalf("status %d", got)
	}
}
