package cache

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/woodytoys/woodytoys/cache/internal/broken"
	"github.com/woodytoys/woodytoys/cache/internal/fence"
	"github.com/woodytoys/woodytoys/cache/internal/layer"
	"github.com/woodytoys/woodytoys/cache/tracing"
)

// flights runs at most one load for each key. Beside the running one there may be one that waits
// for it to end: for the callers who came after an invalidation, whom the running load, which may
// have read before it, cannot answer.
type flights struct {
	mu      sync.Mutex
	byKey   map[string]*flight // the running one
	running atomic.Int64
	closing bool // nobody holds a flight that all callers have left
}

// request is what a caller asks for. It does not change.
type request struct {
	key     string
	load    func(ctx context.Context, fill *Fill) (any, error)
	options *Options
	meter   *meter
	ctx     context.Context
	slots   []uint16      // the slots of the tags that the caller named
	seen    *layer.Lookup // what it saw in the layer that replicas share; nil when it has not looked
}

// flight is one request's load and those who wait for it. What is not of the request, or what came of it, the flights'
// lock guards.
type flight struct {
	request

	fence   fence.Stamp        // taken before the load began to read
	next    *flight            // waits for this one to end; once it has, the one that began then
	afar    bool               // it refreshes a value that only the shared layer has, where it is read meanwhile
	until   time.Time          // when that value expires
	ahead   *entry             // what a refresh ahead of expiry is to replace; nil for other flights
	waiting int                // callers who have not given up
	cancel  context.CancelFunc // ends the load's context, when nobody waits any more; nil until that is made
	held    bool               // it has had a holder, who waits when all callers have left by a timeout
	holding bool               // the holder waits
	holder  *time.Timer        // the holder's; nil before the flight has begun
	overdue bool               // the holder has left: nobody joins it any more

	// fallback is what may stand in for the load; nil without anything. Whether it may is to be asked for each caller.
	fallback atomic.Pointer[entry]

	span tracing.Span // of the fill; nil until that begins, and without a Tracer

	outcome               // written by the load's goroutine, and read by all once done is closed
	done    chan struct{} // closed by finish
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
// has just ended with one. A caller who is to begin the flight goes on with fly.
func (c *Cache) join(f *flight, mayJoin bool) (joined *flight, led role, ended *entry) {
	c.flights.mu.Lock()
	defer c.flights.mu.Unlock()
	return c.joinLocked(f, mayJoin)
}

func (c *Cache) joinLocked(f *flight, mayJoin bool) (joined *flight, led role, ended *entry) {
	running := c.flights.byKey[f.key]
	if running == nil {
		// The flight that this caller just missed may have ended: look again, now that none can.
		if e, _ := c.find(f.key, c.clock.now()); e != nil {
			return nil, joins, e
		}
		if e := c.lastGood(f.key, f.options); e != nil {
			return nil, joins, e // RetryAfter has not passed since the last failure
		}
		c.begin(f)
		return f, begins, nil
	}
	if mayJoin && running.waiting > 0 && !running.overdue && c.canAnswer(running, f) {
		running.waiting++
		return running, joins, nil
	}
	if running.next == nil || running.next.waiting == 0 {
		running.next = f
		f.seen = nil // it will be outdated when this flight begins
		return f, queues, nil
	}
	running.next.waiting++
	return running.next, joins, nil
}

// role is what a caller is to a flight.
type role int

const (
	joins  role = iota // waits for a running flight
	queues             // waits for the next flight, which begins when the running one has ended
	begins             // has to start the flight
)

// canAnswer reports whether no invalidation can have come between a running flight's fence and now, as
// far as its own tags and those of the caller who would make the other flight tell.
func (c *Cache) canAnswer(running, other *flight) bool {
	return broken.Join || c.fences.Holds(running.fence, running.slots) && c.fences.Holds(running.fence, other.slots)
}

// has reports whether a key is being loaded, so that there is nothing to look up.
func (f *flights) has(key string) bool {
	if f.running.Load() == 0 {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	running := f.byKey[key]
	return running != nil && !running.afar
}

// begin takes the fence and the key. The flights are locked.
func (c *Cache) begin(f *flight) {
	c.flights.byKey[f.key] = f
	c.flights.running.Add(1)
	f.fence = c.fences.Now()
	c.timeHolder(f)
}

// outdated reports whether a flight that has ended cannot answer a caller who joined it when the fences' clock was
// came: it turned out to depend on a tag that was invalidated, and to be read before that caller came. A load that
// began at that time or later has read the write. A value that was found is older than the flight, and may have been
// judged after the clock was raised, at the flight's fence, and before the tag was marked.
func (f *flight) outdated(came fence.Stamp) bool {
	return f.lateOff && (came > f.fence || f.found != nil && came == f.fence)
}

// await waits for a flight's end or for the caller's own: that of its ctx or of its limit. came is the clock of the
// fences when the caller joined. It returns again = true when the flight is outdated for this caller. It returns what
// stands in for the load, and no error, or ErrLate, when the caller's time is over.
func (c *Cache) await(
	ctx context.Context, f *flight, led role, came fence.Stamp, p *waitLimit,
) (again bool, instead *entry, err error) {
	c.counts.waiting.Add(1)
	defer c.counts.waiting.Add(-1)
	for {
		select {
		case <-f.done:
			return led == joins && f.outdated(came), nil, nil
		case <-ctx.Done():
			c.giveUp(f)
			return false, nil, ctx.Err()
		case <-p.rings():
			switch instead, left := c.over(f, p); {
			case instead != nil:
				return false, instead, nil
			case left:
				return false, nil, ErrLate
			}
		}
	}
}

// giveUp takes a caller off a flight. A load that nobody waits for any more is told to stop, and
// nobody joins it.
func (c *Cache) giveUp(f *flight) {
	c.flights.mu.Lock()
	defer c.flights.mu.Unlock()
	f.drop()
}

// drop takes one who waits off a flight. The flights are locked.
func (f *flight) drop() {
	if f.waiting--; f.waiting == 0 && f.cancel != nil {
		f.cancel()
	}
}
