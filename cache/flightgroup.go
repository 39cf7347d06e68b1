package cache

import (
	"context"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/woodytoys/woodytoys/cache/internal/layer"
)

// flightGroup is several flights that began together, and that one call loads.
type flightGroup struct {
	flights []*flight
	places  []int              // the places that the flights are for, in order
	leases  []layer.Lease      // to fill them for all; nil where there is none
	left    atomic.Int64       // flights that still have callers and no outcome
	cancel  context.CancelFunc // ends the load's context, when no flight is left
}

func (b *flightGroup) add(f *flight, place int, lease layer.Lease) {
	b.flights, b.places, b.leases = append(b.flights, f), append(b.places, place), append(b.leases, lease)
}

// startGroup loads the flights of a group in the background.
func (m *many[V]) startGroup(b *flightGroup) {
	if len(b.flights) == 0 {
		return
	}
	keys := make([]string, len(b.flights))
	for i, f := range b.flights {
		keys[i] = f.key
	}
	c := m.cache
	var ctx context.Context
	ctx, b.cancel = context.WithCancel(c.loading(context.WithoutCancel(m.ctx), keys...))
	b.left.Store(int64(len(b.flights)))
	spans := c.beginFills(ctx, b.flights)
	c.flights.mu.Lock()
	for i, f := range b.flights {
		if spans != nil {
			f.span = spans[i]
		}
		f.cancel = sync.OnceFunc(b.leave)
		if f.waiting == 0 {
			f.cancel()
		}
	}
	c.flights.mu.Unlock()
	go m.runGroup(ctx, b)
}

// leave takes a flight off the group: it has lost its callers, has ended, or goes on by itself.
func (b *flightGroup) leave() {
	if b.left.Add(-1) == 0 {
		b.cancel()
	}
}

// runGroup loads a group by one call, but for what other replicas are filling, and finishes each of its flights,
// whatever the load does.
//
// From the first lease on that it gets until each has its own goroutine, which ends it, it waits for nobody but the
// load. Else two replicas whose batches share keys, each of which has the lease of some, might wait for each other, and
// would do so for ever, for they extend their leases meanwhile. Whoever waits for another replica has a goroutine of
// its own for one key, and holds no lease while it waits.
func (m *many[V]) runGroup(ctx context.Context, begun *flightGroup) {
	b := m.cache.acquire(begun)
	defer func() {
		for i, f := range b.flights {
			go m.cache.finishLoaded(f, b.leases[i])
		}
	}()
	if len(b.flights) > 0 {
		m.run(ctx, b)
	}
}

// acquire gets the leases to fill keys for all replicas, and returns the flights that are to be loaded now: those that
// have one, and those that can have none. Those that other replicas fill go on by themselves.
func (c *Cache) acquire(begun *flightGroup) *flightGroup {
	if c.node == nil {
		return begun
	}
	asks := make([]layer.Ask, len(begun.flights))
	for i, f := range begun.flights {
		asks[i] = layer.Ask{Key: f.key, Old: f.replaces(), From: f.seen}
	}
	b := &flightGroup{}
	for i, tried := range c.node.TryFetch(asks) {
		f := begun.flights[i]
		if tried.Busy {
			leave := f.cancel
			c.startFlight(f)
			leave()
			continue
		}
		if f.shared = SharedAway; tried.Lease == nil {
			f.meter.sharedAway.Inc()
		} else {
			f.shared, f.id = SharedMiss, tried.Lease.Token()
			f.meter.sharedMisses.Inc()
		}
		b.add(f, begun.places[i], tried.Lease)
	}
	return b
}

// replaces returns the ID of the value that a flight is to replace though its fence may hold; zero without one.
func (f *flight) replaces() layer.Token {
	switch {
	case f.ahead != nil:
		return f.ahead.id
	case f.seen != nil && f.seen.Hit:
		return f.seen.ID
	}
	return layer.Token{}
}

// run runs the load, unless nobody waits for it any more. If it panics, or ends its goroutine, that is the error of all
// flights.
func (m *many[V]) run(ctx context.Context, b *flightGroup) {
	if err := ctx.Err(); err != nil {
		for _, f := range b.flights {
			f.err = err
		}
		return
	}
	if len(b.flights) > 1 {
		m.meter.batches.Inc()
	}
	began := time.Now()
	returned := false
	defer func() {
		var stopped error
		if !returned {
			stopped = &PanicError{Value: recover(), Stack: debug.Stack()}
		}
		took := time.Since(began)
		for _, f := range b.flights {
			if !returned {
				f.err, f.absent = stopped, false
			}
			f.failed = ctx.Err() == nil && f.hasFailed()
			f.meter.filled(took, f.err)
		}
	}()
	batch := &Batch[V]{missing: b.places, parts: make([]part[V], len(b.flights))}
	for i, f := range b.flights {
		batch.parts[i].fill = &f.fill
	}
	err := m.load(ctx, batch)
	for i, f := range b.flights {
		f.value, f.err = batch.parts[i].result(err)
		if f.err == nil {
			f.err = ctx.Err() // as in flight.run
		}
		f.judge(f.options)
	}
	returned = true
}

// finishLoaded ends a flight of a group.
func (c *Cache) finishLoaded(f *flight, lease layer.Lease) {
	defer f.cancel()
	defer c.finish(f) // even if the codec ends this goroutine
	defer f.endFill()
	c.share(f.ctx, f, lease)
}
