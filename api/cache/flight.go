package cache

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"

	"github.com/woodytoys/woodytoys/api/cache/internal/broken"
	"github.com/woodytoys/woodytoys/api/cache/internal/cluster"
	"github.com/woodytoys/woodytoys/api/cache/internal/fence"
)

// flights runs at most one load for each key. Beside the running one there may be one that waits
// for it to end: for the callers who came after an invalidation, whom the running load, which may
// have read before it, cannot answer.
type flights struct {
	mu       sync.Mutex
	byKey    map[string]*flight // the running one
	running  int
	finished sync.Cond // on mu: running went down
}

// flight is one load and those who wait for it.
type flight struct {
	key     string
	load    func(ctx context.Context, fill *Fill) (any, error)
	options *Options
	meter   *meter

	fence fence.Stamp // taken before the load began to read
	slots []uint16    // of the tags that were known by then
	next  *flight     // waits for this one to end

	ctx     context.Context    // of the caller who made it
	cancel  context.CancelFunc // ends the load's, when nobody waits any more; nil until that is made
	waiting int                // callers who have not given up
	ahead   *entry             // what a refresh ahead of expiry is to replace; nil for other flights

	// What came of it, written before done is closed.
	done    chan struct{}
	value   any
	err     error
	entry   *entry // nil when it was not kept
	absent  bool
	late    []uint16
	lateOff bool // a tag that the load named was invalidated while it ran

	found        *cluster.Found  // it came from the layer that replicas share
	lookup       *cluster.Lookup // what was seen there before the load was to begin
	id           cluster.Token   // of the fill, where it went there
	shared       Shared
	sharedStored bool
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
// Without mayJoin only a flight that has not begun will do. It returns an entry instead when a flight
// has just ended with one. A caller who is to begin the flight goes on with start.
func (c *Cache) join(f *flight, mayJoin bool) (joined *flight, led role, ended *entry) {
	c.flights.mu.Lock()
	defer c.flights.mu.Unlock()
	running := c.flights.byKey[f.key]
	if running == nil {
		// The flight that this caller just missed may have ended: look again, now that none can.
		if e, _ := c.find(f.key, c.clock.now()); e != nil {
			return nil, joins, e
		}
		c.begin(f)
		return f, begins, nil
	}
	if mayJoin && running.waiting > 0 && c.canAnswer(running, f) {
		running.waiting++
		return running, joins, nil
	}
	if running.next == nil || running.next.waiting == 0 {
		running.next = f
		return f, queues, nil
	}
	running.next.waiting++
	return running.next, joins, nil
}

// role is what a caller is to a flight.
type role int

const (
	joins  role = iota // another's
	queues             // its own, which begins when the running one has ended
	begins             // its own, which it has to start
)

// canAnswer reports whether no invalidation can have come between a running flight's fence and now, as
// far as its own tags and those of the caller who would make the other flight tell.
func (c *Cache) canAnswer(running, other *flight) bool {
	return broken.Join || c.fences.Holds(running.fence, running.slots) && c.fences.Holds(running.fence, other.slots)
}

// begin takes the fence and the key. The flights are locked.
func (c *Cache) begin(f *flight) {
	c.flights.byKey[f.key] = f
	c.flights.running++
	f.fence = c.fences.Now()
}

// start has a flight that has begun look in the layer that replicas share, where there is one, and then
// has it fly. What is found there has ended when it returns.
func (c *Cache) start(f *flight) {
	if c.node != nil {
		lookup := c.node.Lookup(f.key)
		f.lookup = &lookup
		fill := &Fill{}
		if lookup.Found != nil && f.take(lookup.Found, fill) {
			f.shared = SharedHit
			f.meter.sharedHits.Inc()
			c.finish(f, fill)
			return
		}
	}
	c.fly(f)
}

// fly has a flight go on by itself.
func (c *Cache) fly(f *flight) {
	ctx, cancel := context.WithCancel(c.loading(context.WithoutCancel(f.ctx), f.key))
	c.flights.mu.Lock()
	f.cancel = cancel
	if f.waiting == 0 {
		cancel()
	}
	c.flights.mu.Unlock()
	go c.pilot(ctx, f)
}

// pilot finds the value in the layer that replicas share or has it loaded, and finishes, whatever the
// load does.
func (c *Cache) pilot(ctx context.Context, f *flight) {
	defer f.cancel()
	fill := &Fill{}
	var lease *cluster.FillLease
	defer c.finish(f, fill) // even if the codec ends this goroutine
	defer func() { c.share(f, fill, lease) }()
	if c.node != nil {
		if lease = c.fetch(ctx, f, fill); f.found != nil {
			return
		}
	}
	if f.err = ctx.Err(); f.err == nil { // somebody still waits
		f.run(ctx, fill)
	}
}

// run runs the load. A load that panics, or ends its goroutine, is an error.
func (f *flight) run(ctx context.Context, fill *Fill) {
	began := time.Now()
	returned := false
	defer func() {
		if !returned {
			f.err = &PanicError{Value: recover(), Stack: debug.Stack()}
		}
		f.meter.filled(time.Since(began), f.err)
	}()
	f.value, f.err = f.load(ctx, fill)
	absent := f.options.Absent
	f.absent = f.err != nil && absent != nil && absent(f.err) || f.err == nil && fill.absent
	returned = true
}

// finish keeps what came of the load, if its fence still holds, and lets the waiting flight begin.
func (c *Cache) finish(f *flight, fill *Fill) {
	f.late = fill.slots
	c.flights.mu.Lock()
	defer c.flights.mu.Unlock()
	if broken.Fence {
		f.fence = c.fences.Now()
	}
	f.lateOff = !c.fences.Holds(f.fence, f.late)
	if kept := c.keepable(f, fill); kept != nil {
		if !c.fences.Holds(kept.fence, kept.slots) {
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
		go c.start(next)
	} else {
		delete(c.flights.byKey, f.key)
	}
	close(f.done)
	c.flights.running--
	c.flights.finished.Broadcast()
}

// ttl is how long a load's outcome may be kept: zero for errors, but those that mean absence.
func (f *flight) ttl(fill *Fill) time.Duration {
	switch {
	case fill.skip:
		return 0
	case f.absent:
		return f.options.NegativeTTL
	case f.err != nil:
		return 0
	}
	return f.options.TTL
}

// allSlots are the slots of the tags that the read named and of those that the load did.
func (f *flight) allSlots() []uint16 { return append(append([]uint16(nil), f.slots...), f.late...) }

// keepable is the entry that a flight's outcome makes, or nil.
func (c *Cache) keepable(f *flight, fill *Fill) *entry {
	ttl := f.ttl(fill)
	if ttl <= 0 {
		return nil
	}
	left := ttl
	e := &entry{value: f.value, err: f.err, fence: f.fence, slots: f.allSlots(), id: f.id}
	if f.found != nil {
		e.fence, e.slots = f.found.Stamp, f.found.Slots
		left = min(ttl, time.Until(f.found.Expires))
	}
	e.size = sizeOf(f.key, e.slots, fill.bytes)
	e.expires = c.clock.now() + int64(left)
	if ahead := f.options.RefreshAhead; ahead > 0 && !f.absent {
		e.refresh.Store(e.expires - int64(float64(ttl)*(1-ahead+(rand.Float64()-0.5)/5)))
	}
	return e
}

// await waits for a flight's end or for the caller's own. came is the clock of the fences when the
// caller joined. It returns again = true when the flight cannot answer this caller: it turned out
// to depend on a tag that was invalidated, and began before the caller came.
func (c *Cache) await(ctx context.Context, f *flight, led role, came fence.Stamp) (again bool, err error) {
	c.metrics.waiting.Inc()
	defer c.metrics.waiting.Dec()
	select {
	case <-f.done:
	case <-ctx.Done():
		c.giveUp(f)
		return false, ctx.Err()
	}
	return f.lateOff && led == joins && came > f.fence, nil
}

// giveUp takes a caller off a flight. A load that nobody waits for any more is told to stop, and
// nobody joins it.
func (c *Cache) giveUp(f *flight) {
	c.flights.mu.Lock()
	defer c.flights.mu.Unlock()
	if f.waiting--; f.waiting == 0 && f.cancel != nil {
		f.cancel()
	}
}
