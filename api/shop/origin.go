package shop

import (
	"context"
	"strings"
)

// Origin is the request that an order came with, so that logs and traces of what is done for the order later, maybe by
// another replica, can be joined to it. Nothing is decided by it.
type Origin struct {
	// Request is the request's id, without spaces.
	Request string
	// Trace is its place in a trace, as a traceparent field has it (W3C Trace Context); empty where it had none.
	Trace string
}

// String returns the origin as a store keeps it, at most OriginMax bytes; empty where it would be longer.
func (o Origin) String() string {
	if text := strings.TrimSuffix(o.Request+" "+o.Trace, " "); len(text) <= OriginMax {
		return text
	}
	return ""
}

// OriginMax is room for the longest id of a request and a traceparent, in bytes.
const OriginMax = 255

// ParseOrigin returns the origin that String wrote.
func ParseOrigin(text string) Origin {
	request, trace, _ := strings.Cut(text, " ")
	return Origin{request, trace}
}

// TraceID returns the id of the origin's trace; empty where it had none.
func (o Origin) TraceID() string {
	if parts := strings.Split(o.Trace, "-"); len(parts) >= 4 {
		return parts[1]
	}
	return ""
}

type originKey struct{}

// ComingFrom returns a context whose orders have this origin.
func ComingFrom(ctx context.Context, origin Origin) context.Context {
	return context.WithValue(ctx, originKey{}, origin)
}

// OriginOf returns the origin that orders under ctx have; zero where nobody said.
func OriginOf(ctx context.Context) Origin {
	origin, _ := ctx.Value(originKey{}).(Origin)
	return origin
}
