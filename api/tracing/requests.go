package tracing

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/woodytoys/woodytoys/cache/fibercache"
)

// The fields of requests that are read, and of which all that answer a request see the first as the API's own span.
const (
	fieldTraceparent  = "Traceparent" // W3C Trace Context
	fieldTracestate   = "Tracestate"
	fieldRequestStart = "X-Request-Start" // the proxy's: see reverse-proxy/haproxy.cfg
)

// requestID is the attribute with a request's id, of its span and of those of what is done for its order.
const requestID = attribute.Key("shop.request.id")

// Requests is the middleware to put around all others: it makes the span of each request, which what is done for the
// request belongs to, by c.UserContext(). Route returns the pattern that the request was answered under, empty where
// there is none.
func (t *Tracing) Requests(route func(c *fiber.Ctx) string) fiber.Handler {
	return func(c *fiber.Ctx) error {
		// A refresh belongs to the fill that it is for; checks come every second, and nobody follows them.
		if path := c.Path(); fibercache.IsRefresh(c) || path == "/readyz" || path == "/healthz" {
			return c.Next()
		}
		ctx, proxy := t.arrive(c)
		method, path := strings.Clone(c.Method()), c.Path()
		ctx, span := t.tracer.Start(ctx, method, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
			semconv.HTTPRequestMethodKey.String(method), semconv.URLScheme(strings.Clone(c.Protocol())),
			semconv.URLPath(strings.Clone(path[:min(len(path), textMax)]))))
		defer func() {
			if span.End(); proxy != nil {
				proxy.End()
			}
		}()
		c.SetUserContext(ctx)
		c.Request().Header.Del(fieldTraceparent)
		c.Request().Header.Set(fieldTraceparent, format(span.SpanContext()))
		err := c.Next()
		describe(span, c, route(c))
		return err
	}
}

// arrive returns the context that a request comes with: of the caller who sent a traceparent, and of the proxy, which
// is a span of its own where the proxy said when it had the request; nil where it did not.
func (t *Tracing) arrive(c *fiber.Ctx) (ctx context.Context, proxy trace.Span) {
	ctx = context.Background()
	header := &c.Request().Header
	sent := sentWith(header)
	began, isRoot := startOf(peekOne(header, fieldRequestStart), time.Now())
	switch {
	case sent.IsValid() && isRoot:
		ctx = begunBy(ctx, sent) // nobody but the proxy has decided anything about this trace
	case sent.IsValid():
		ctx = trace.ContextWithRemoteSpanContext(ctx, sent)
	}
	if began.IsZero() {
		return ctx, nil
	}
	ctx, proxy = t.tracer.Start(ctx, "proxy", trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(began),
		trace.WithAttributes(attribute.String("shop.part", "reverse-proxy")))
	return ctx, proxy
}

// sentWith returns the span that a request came with; it is not valid where there is none that can be read. Of several
// fields none counts.
func sentWith(header *fasthttp.RequestHeader) trace.SpanContext {
	traceparent := peekOne(header, fieldTraceparent)
	if len(traceparent) == 0 || len(traceparent) > parentMax {
		return trace.SpanContext{}
	}
	return parse(traceparent, peekOne(header, fieldTracestate))
}

// parentMax is the longest traceparent that is read, in bytes. One of a later version may be longer than this one's 55.
const parentMax = 128

// peekOne returns the value of a field that is there once.
func peekOne(header *fasthttp.RequestHeader, name string) string {
	if values := header.PeekAll(name); len(values) == 1 {
		return string(values[0])
	}
	return ""
}

// oldest is how long ago a request may have come to the proxy: longer than it waits for any.
const oldest = 2 * time.Minute

// startOf reads the proxy's header about a request: "t=" and microseconds since 1970, with "; root" behind where the
// proxy made the traceparent. The time is zero where the header is empty, or has a time that cannot be.
func startOf(value string, now time.Time) (began time.Time, isRoot bool) {
	text, found := strings.CutPrefix(value, "t=")
	if !found {
		return time.Time{}, false
	}
	text, isRoot = strings.CutSuffix(text, "; root")
	us, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	began = time.UnixMicro(us)
	switch ago := now.Sub(began); {
	case ago > oldest, ago < -oldest:
		return time.Time{}, isRoot
	case ago < 0: // clocks differ
		return now, isRoot
	}
	return began, isRoot
}

// format returns a span as a traceparent.
func format(span trace.SpanContext) string {
	return "00-" + span.TraceID().String() + "-" + span.SpanID().String() + "-" + span.TraceFlags().String()
}

// describe notes what came of a request.
func describe(span trace.Span, c *fiber.Ctx, route string) {
	if !span.IsRecording() {
		return
	}
	status := c.Response().StatusCode()
	span.SetAttributes(semconv.HTTPResponseStatusCode(status))
	if route != "" {
		span.SetName(c.Method() + " " + route)       // a copy
		span.SetAttributes(semconv.HTTPRoute(route)) // which lives as long as the application
	}
	// Not semconv.HTTPResponseHeader: it copies a list of strings by reflection, from where the compiler does not see
	// them being kept, so that a short one may be left on a stack that is gone (Go 1.26, OpenTelemetry 1.38).
	for name, key := range map[string]attribute.Key{"Cache-Status": "shop.cache_status", "X-Request-Id": requestID} {
		if value := c.Response().Header.Peek(name); len(value) > 0 {
			span.SetAttributes(key.String(string(value)))
		}
	}
	if status >= fiber.StatusInternalServerError {
		span.SetStatus(codes.Error, "")
	}
}
