package cache

import (
	"context"
	"errors"

	"github.com/woodytoys/woodytoys/cache/internal/fence"
	"github.com/woodytoys/woodytoys/cache/internal/layer"
	"github.com/woodytoys/woodytoys/cache/tracing"
)

// What Config.Tracer follows of the cache. The steps of writes are in internal/cluster.

// lookup is Node.Lookup on behalf of ctx.
func (c *Cache) lookup(ctx context.Context, loader, key string) layer.Lookup {
	if c.tracer == nil {
		return c.node.Lookup(key)
	}
	_, span := c.tracer.Start(ctx, tracing.Lookup, loader)
	there := c.node.Lookup(key)
	outcome := "miss"
	switch {
	case there.Hit:
		outcome = "hit"
		span.Note(tracing.FillID, there.ID.String())
	case there.Session == nil:
		outcome = "away"
	}
	span.Note(tracing.Outcome, outcome)
	span.End(nil)
	return there
}

// acquireOne is Node.Fetch for a flight.
func (c *Cache) acquireOne(
	ctx context.Context, f *flight, old layer.Token, from *layer.Lookup,
) (found *layer.Found, lease layer.Lease) {
	if c.tracer == nil {
		return c.node.Fetch(ctx, f.key, old, from)
	}
	ctx, span := c.tracer.Start(ctx, tracing.Acquire, f.options.Name)
	found, lease = c.node.Fetch(ctx, f.key, old, from)
	switch {
	case lease != nil:
		span.Note(tracing.Outcome, "acquired")
		span.Note(tracing.FillID, lease.Token().String())
	case found != nil:
		span.Note(tracing.Outcome, "found")
		span.Note(tracing.FillID, found.ID.String())
	default:
		span.Note(tracing.Outcome, "away")
	}
	span.End(nil)
	return found, lease
}

func noteStored(span tracing.Span, stored bool) {
	if stored {
		span.Note(tracing.Outcome, "stored")
	} else {
		span.Note(tracing.Outcome, "refused")
	}
	span.End(nil)
}

// beginFill begins the span of a flight's fill, and returns the context that the fill has; nil without a tracer.
func (c *Cache) beginFill(ctx context.Context, f *flight) (context.Context, tracing.Span) {
	if c.tracer == nil || f.span != nil { // or it has begun as one of several
		return ctx, f.span
	}
	return c.tracer.Start(ctx, tracing.Fill, f.options.Name)
}

// beginFills begins the spans of flights that one call loads; it returns nil without a tracer. What the load does
// belongs to all of them, and is a part of what its caller does.
func (c *Cache) beginFills(ctx context.Context, flights []*flight) (spans []tracing.Span) {
	if c.tracer == nil {
		return nil
	}
	for _, f := range flights {
		_, span := c.tracer.Start(ctx, tracing.Fill, f.options.Name)
		spans = append(spans, span)
	}
	return spans
}

// endFill ends the span of a flight's fill, if it has one.
func (f *flight) endFill() {
	if f.span == nil {
		return
	}
	switch {
	case f.found != nil:
		f.span.Note(tracing.Outcome, "found")
	case f.err != nil && !f.absent:
		f.span.Note(tracing.Outcome, "failed")
	default:
		f.span.Note(tracing.Outcome, "loaded")
	}
	if f.id != (layer.Token{}) {
		f.span.Note(tracing.FillID, f.id.String())
	}
	if f.absent {
		f.span.End(nil)
	} else {
		f.span.End(f.err)
	}
}

// awaitTraced is await. A caller who waits for another's flight has a span of its own, which is linked to the fill's.
func (c *Cache) awaitTraced(
	ctx context.Context, f *flight, led role, came fence.Stamp, p *waitLimit,
) (again bool, instead *entry, err error) {
	if c.tracer == nil || led != joins {
		return c.await(ctx, f, led, came, p)
	}
	_, span := c.tracer.Start(ctx, tracing.Wait, f.options.Name)
	again, instead, err = c.await(ctx, f, led, came, p)
	c.flights.mu.Lock()
	fill := f.span
	c.flights.mu.Unlock()
	if fill != nil {
		span.Link(fill)
	}
	if errors.Is(err, context.Canceled) {
		err = nil // the caller left
	}
	span.End(err)
	return again, instead, err
}
