package httpapi_test

import (
	"testing"

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
