package tracing

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/woodytoys/woodytoys/api/shop"
)

// Order begins the span of what a worker does for an order: shop.Config.Follow. It is a trace of its own, linked to the
// request that the order came with: the request had been answered by then.
func (t *Tracing) Order(ctx context.Context, claim shop.Claim) (context.Context, func(err error)) {
	options := []trace.SpanStartOption{
		trace.WithSpanKind(trace.SpanKindConsumer), trace.WithNewRoot(), trace.WithAttributes(
			attribute.String("shop.order.id", claim.OrderID), requestID.String(claim.Origin.Request)),
	}
	if placed := parse(claim.Origin.Trace, ""); placed.IsValid() {
		options = append(options, trace.WithLinks(trace.Link{SpanContext: placed}))
	}
	ctx, span := t.tracer.Start(ctx, "process order", options...)
	return ctx, func(err error) { end(span, err) }
}

// parse returns the span that the fields of W3C Trace Context name; it is not valid where they cannot be read. A
// tracestate that cannot, or that is longer than stateMax, counts as none.
func parse(traceparent, tracestate string) trace.SpanContext {
	if len(tracestate) > stateMax {
		tracestate = ""
	}
	fields := propagation.MapCarrier{"traceparent": traceparent, "tracestate": tracestate}
	return trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), fields))
}

// stateMax is the longest tracestate that is passed on, in bytes: what W3C Trace Context has everybody pass on at least
// (section 3.3.1.5).
const stateMax = 512
