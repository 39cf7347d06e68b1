// Package tracing is how a cache lets others follow what it does: see cache.Config.Tracer. It knows no tracing library,
// and a cache that is given no Tracer does nothing of it.
package tracing

import "context"

// Step is a part of what a cache does that may take time.
type Step string

// The steps.
const (
	// Lookup is looking a value up in the layer that replicas share: a GET in Redis.
	Lookup Step = "lookup"
	// Fill is loading a value for all who ask for it, with all that belongs to it. It is a part of what its first
	// caller does.
	Fill Step = "fill"
	// Wait is waiting for a Fill that another caller of this process began: it is linked to that.
	Wait Step = "wait"
	// Acquire is asking Redis for the right to fill a key for all replicas, which may make this one wait for another
	// replica's fill.
	Acquire Step = "acquire"
	// Store is keeping a value in Redis, which ends the fill for all replicas.
	Store Step = "store"
	// Settle is carrying out the invalidation of a write, until the write may be acknowledged. Writes that come
	// together are announced together: then what follows is a part of the first one's Settle, to which the others' are
	// linked.
	Settle Step = "settle"
	// Announce is marking a write's tags in Redis and sending them over the bus.
	Announce Step = "announce"
	// Acknowledge is waiting until all replicas have read the announcement, and what is to be done if one has not.
	Acknowledge Step = "acknowledge"
	// HandOver is having a write's invalidation carried out in another way, since Redis could not be told.
	HandOver Step = "hand over"
)

// What is noted of a step.
const (
	// Outcome is what came of a Lookup ("hit", "miss"), a Fill ("loaded", "found", "failed"), an Acquire ("acquired",
	// "found", "away"), or a Store ("stored", "refused").
	Outcome = "outcome"
	// FillID is the token of a fill in Redis, in hexadecimal: of a Fill, and of an Acquire that found its value, on
	// whichever replica. So one can be told by the other.
	FillID = "fill.id"
	// Members is how many replicas an announcement was to reach, and Missing how many of them did not acknowledge it.
	Members = "members"
	Missing = "missing"
)

// Tracer follows steps. It is safe for concurrent use, must not block, and must not panic.
type Tracer interface {
	// Start begins a step on behalf of ctx, and returns the context that its own steps, and a load, begin from. Loader
	// is the name of the loader that the step is for, empty where it is for none.
	Start(ctx context.Context, step Step, loader string) (context.Context, Span)
}

// Span is a step that has begun.
type Span interface {
	// Link notes that other did what this step waited for.
	Link(other Span)
	// Note notes something of the step.
	Note(key, value string)
	// End ends the step; err is nil where it did what it was to do. It is called once.
	End(err error)
}

// Start begins a step with t. Where t is nil it returns ctx and a Span that does nothing.
func Start(ctx context.Context, t Tracer, step Step, loader string) (context.Context, Span) {
	if t == nil {
		return ctx, nothing{}
	}
	return t.Start(ctx, step, loader)
}

// nothing is the span of a cache without a tracer.
type nothing struct{}

func (nothing) Link(Span)           {}
func (nothing) Note(string, string) {}
func (nothing) End(error)           {}
