package tracing

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/woodytoys/woodytoys/cache/tracing"
)

// Cache returns what follows a cache: cache.Config.Tracer.
func (t *Tracing) Cache() tracing.Tracer { return cacheTracer{t.tracer} }

type cacheTracer struct{ tracer trace.Tracer }

// step is how a step of the cache is a span. Where it is a command to Redis it has the name and the attributes that
// OpenTelemetry gives to those.
type step struct {
	name    string
	command string // to Redis; empty for others
}

var steps = map[tracing.Step]step{
	tracing.Lookup:      {"GET", "GET"},
	tracing.Fill:        {"cache fill", ""},
	tracing.Wait:        {"cache wait", ""},
	tracing.Acquire:     {"EVALSHA acquire", "EVALSHA"},
	tracing.Store:       {"EVALSHA finish", "EVALSHA"},
	tracing.Settle:      {"cache settle", ""},
	tracing.Announce:    {"EVALSHA invalidate", "EVALSHA"},
	tracing.Acknowledge: {"cache acknowledge", ""},
	tracing.HandOver:    {"cache hand over", ""},
}

// Start implements cache/tracing.Tracer. What nobody asked for, such as work that another replica left, begins no
// trace.
func (c cacheTracer) Start(ctx context.Context, s tracing.Step, loader string) (context.Context, tracing.Span) {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return ctx, cacheSpan{trace.SpanFromContext(ctx)}
	}
	known, ok := steps[s]
	if !ok {
		known = step{name: "cache " + string(s)}
	}
	kind := trace.SpanKindInternal
	var attributes []attribute.KeyValue
	if known.command != "" {
		kind = trace.SpanKindClient
		attributes = append(attributes, semconv.DBSystemNameRedis, semconv.DBOperationName(known.command))
	}
	if loader != "" {
		attributes = append(attributes, attribute.String("cache.loader", loader))
	}
	ctx, span := c.tracer.Start(ctx, known.name, trace.WithSpanKind(kind), trace.WithAttributes(attributes...))
	return ctx, cacheSpan{span}
}

type cacheSpan struct{ span trace.Span }

// Link implements cache/tracing.Span.
func (s cacheSpan) Link(other tracing.Span) {
	if other, ok := other.(cacheSpan); ok && other.span.SpanContext().IsValid() {
		s.span.AddLink(trace.Link{SpanContext: other.span.SpanContext()})
	}
}

// Note implements cache/tracing.Span.
func (s cacheSpan) Note(key, value string) {
	s.span.SetAttributes(attribute.String("cache."+key, value))
}

// End implements cache/tracing.Span.
func (s cacheSpan) End(err error) { end(s.span, err) }

// end ends a span, with the error that its work failed with, or nil.
func end(span trace.Span, err error) {
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
	}
	span.End()
}
