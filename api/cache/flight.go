package cache

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"
)

// flights runs at most one load for each key. Beside the running one there may be one that waits
// for it to end: for the callers who came after an invalidation, whom the running load, which may
// have read before it, cannot answer.
type flights struct {
	mu      sync.Mutex
	byKey   map[string]*flight // the running one
	running int
	landed  sync.Cond // on mu: running went down
}

// flight is one load and those who wait for it.
type flight struct {
	key     string
	load    func(ctx context.Context, fill *Fill) (any, error)
	options *Options
	meter   *meter

	fence stamp    // taken before the load began to read
	slots []uint32 // of the tags that were known by then
	next  *flight  // waits for this one to end

	ctx     context.Context // the load's: it ends when nobody waits any more
	cancel  context.CancelFunc
	waiting int    // callers who have not given up
	ahead   *entry // what a refresh ahead of expiry is to replace; nil for other flights

	// What came of it, written before done is closed.
	done    chan struct{}
	value   any
	err     error
	entry   *entry // nil when it was not kept
	absent  bool
	late    []uint32
	lateOff bool // a tag that the load named was invalidated while it ran
}

// PanicError is what callers get of a load that panicked, or that ended its goroutine.
type PanicError struct {
	// Value is what the load panicked with; nil when it called runtime.Goexit.
	Value any
	// Stack is where.
	Stack []byte
}

func (p *PanicError) Error() string {
	return fmt.Sprintf("the load panicked: %v", p.Value)
}

// join finds the flight that can answer a caller who comes now, and makes it where there is none.
// Without mayJoin only a flight that has not begun will do. It answers an entry instead when a flight
// has just landed one.
func (c *Cache) join(f *flight, mayJoin bool) (joined *flight, led bool, landed *entry) {
	c.flights.mu.Lock()
	defer c.flights.mu.Unlock()
	running := c.flights.byKey[f.key]
	if running == nil {
		// The flight that this caller just missed may have landed: look again, now that none can.
		if e, _ := c.find(f.key, c.clock.now()); e != nil {
			return nil, false, e
		}
		c.begin(f)
		return f, true, nil
	}
	if mayJoin && running.waiting > 0 && c.canAnswer(running, f) {
		running.waiting++
		return running, false, nil
	}
	if running.next == nil || running.next.waiting == 0 {
		running.next = f
		return f, true, nil
	}
	running.next.waiting++
	return running.next, false, nil
}

// canAnswer tells whether no invalidation can have come between a running flight's fence and now, as
// far as its own tags and those of the caller who would make the other flight tell.
func (c *Cache) canAnswer(running, other *flight) bool {
	return fenceOff || c.fences.holds(running.fence, running.slots) && c.fences.holds(running.fence, other.slots)
}

// begin takes the fence and lets the load run. The flights are locked.
func (c *Cache) begin(f *flight) {
	c.flights.byKey[f.key] = f
	c.flights.running++
	f.fence = c.fences.now()
	go c.fly(f)
}

// fly runs the load and lands it, whatever the load does.
func (c *Cache) fly(f *flight) {
	began := time.Now()
	fill := &Fill{cache: c}
	returned := false
	defer func() {
		if !returned {
			f.err = &PanicError{Value: recover(), Stack: debug.Stack()}
		}
		f.meter.filled(time.Since(began), f.err)
		c.land(f, fill)
	}()
	f.value, f.err = f.load(f.ctx, fill)
	absent := f.options.Absent
	f.absent = f.err != nil && absent != nil && absent(f.err) || f.err == nil && fill.absent
	returned = true
}

// land keeps what came of the load, if its fence still holds, and lets the waiting flight begin.
func (c *Cache) land(f *flight, fill *Fill) {
	f.cancel()
	f.late = fill.slots
	c.flights.mu.Lock()
	defer c.flights.mu.Unlock()
	if fenceOff {
		f.fence = c.fences.now()
	}
	f.lateOff = !c.fences.holds(f.fence, f.late)
	if kept := c.keepable(f, fill); kept != nil {
		if f.lateOff || !c.fences.holds(f.fence, f.slots) {
			f.meter.refused.Inc()
		} else {
			f.entry = kept
			c.keep.set(f.key, kept)
		}
	}
	if f.ahead != nil && f.entry == nil {
		f.ahead.refreshLater(c.clock.now())
	}
	if next := f.next; next != nil && next.waiting > 0 {
		c.begin(next)
	} else {
		delete(c.flights.byKey, f.key)
	}
	close(f.done)
	c.flights.running--
	c.flights.landed.Broadcast()
}

// keepable is the entry that a load's outcome makes: nil for errors, but those that mean absence.
func (c *Cache) keepable(f *flight, fill *Fill) *entry {
	o := f.options
	ttl := o.TTL
	switch {
	case f.absent:
		ttl = o.NegativeTTL
	case f.err != nil:
		return nil
	}
	if ttl <= 0 || fill.skip {
		return nil
	}
	slots := append(append([]uint32(nil), f.slots...), f.late...)
	now := c.clock.now()
	e := &entry{
		value: f.value, err: f.err, fence: f.fence, slots: slots,
		expires: now + int64(ttl), size: sizeOf(f.key, slots, fill.bytes),
	}
	if o.RefreshAhead > 0 && !f.absent {
		e.refresh.Store(now + int64(float64(ttl)*(o.RefreshAhead+(rand.Float64()-0.5)/5)))
	}
	return e
}

// await waits for a flight's end or for the caller's own. came is the clock of the fences when the
// caller joined. It answers again = true when the flight cannot answer this caller: it turned out
// to depend on a tag that was invalidated, and began before the caller came.
func (c *Cache) await(ctx context.Context, f *flight, led bool, came stamp) (again bool, err error) {
	c.metrics.waiting.Inc()
	defer c.metrics.waiting.Dec()
	select {
	case <-f.done:
	case <-ctx.Done():
		c.giveUp(f)
		return false, ctx.Err()
	}
	return f.lateOff && !led && came > f.fence, nil
}

// giveUp takes a caller off a flight. A load that nobody waits for any more is told to stop, and
// nobody joins it.
func (c *Cache) giveUp(f *flight) {
	c.flights.mu.Lock()
	defer c.flights.mu.Unlock()
	if f.waiting--; f.waiting == 0 {
		f.cancel()
	}
}
