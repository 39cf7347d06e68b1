package cache

import (
	"context"
	"errors"
	"runtime/debug"
	"time"

	"github.com/woodytoys/woodytoys/cache/internal/broken"
	"github.com/woodytoys/woodytoys/cache/internal/fence"
	"github.com/woodytoys/woodytoys/cache/internal/layer"
)

// startFlight runs a flight that has begun in the background.
func (c *Cache) startFlight(f *flight) {
	ctx, cancel := context.WithCancel(c.loading(context.WithoutCancel(f.ctx), f.key))
	ctx, span := c.beginFill(ctx, f)
	c.flights.mu.Lock()
	f.cancel, f.span = cancel, span
	if f.waiting == 0 {
		cancel()
	}
	c.flights.mu.Unlock()
	go c.runFlight(ctx, f)
}

// errCodecEnded is the error of callers whose value was there, and whose codec ended the goroutine that was to read it.
var errCodecEnded = errors.New("cache: the codec ended its goroutine")

// runFlight finds the value in the layer that replicas share or has it loaded, and finishes, whatever the
// load does.
func (c *Cache) runFlight(ctx context.Context, f *flight) {
	defer f.cancel()
	defer c.finish(f) // even if the codec ends this goroutine
	defer f.endFill() // before those who wait hear of it
	var lease layer.Lease
	defer func() { c.share(ctx, f, lease) }()
	if c.node != nil {
		f.err = errCodecEnded // overwritten unless the codec ends the goroutine
		lease = c.fetch(ctx, f)
		if f.err = nil; f.found != nil {
			return
		}
	}
	if f.err = ctx.Err(); f.err == nil { // somebody still waits
		f.run(ctx)
	}
}

// run runs the load. A load that panics, or ends its goroutine, is an error.
func (f *flight) run(ctx context.Context) {
	began := time.Now()
	returned := false
	defer func() {
		if !returned {
			f.err = &PanicError{Value: recover(), Stack: debug.Stack()}
		}
		f.failed = ctx.Err() == nil && f.hasFailed()
		f.meter.filled(time.Since(began), f.err)
	}()
	f.value, f.err = f.load(ctx, &f.fill)
	if f.err == nil {
		f.err = ctx.Err() // then nobody waits for it, and it may be half of what it was to be
	}
	f.judge(f.options)
	returned = true
}

// finish keeps what came of a flight, if its fence still holds, and lets the waiting flight begin.
func (c *Cache) finish(f *flight) {
	c.flights.mu.Lock()
	defer c.flights.mu.Unlock()
	if broken.Fence {
		f.fence = c.fences.Now()
	}
	f.lateOff = !c.fences.Holds(f.readAt(), f.fill.slots)
	if kept := c.keepable(f); kept != nil {
		if !c.fences.Holds(kept.fence, kept.slots) {
			f.meter.refused.Inc()
		} else {
			f.entry = kept
			c.put(f.key, kept)
		}
	}
	c.noteFailure(f)
	if f.afar {
		c.refreshedAfar(f)
	}
	if f.ahead != nil && f.entry == nil {
		f.ahead.refreshLater(c.clock.now())
	}
	if next := f.next; next != nil && next.waiting > 0 {
		c.begin(next)
		go c.startFlight(next)
	} else {
		f.next = nil
		delete(c.flights.byKey, f.key)
	}
	f.endHolder()
	close(f.done)
	c.flights.running.Add(-1)
}

// readAt returns the fence of what the flight brought: its own, or that of the value that it found.
func (f *flight) readAt() fence.Stamp {
	if f.found != nil {
		return f.found.Stamp
	}
	return f.fence
}

// keepable returns the entry that a flight's outcome makes, or nil.
func (c *Cache) keepable(f *flight) *entry {
	ttl, _ := f.lives(f.options)
	switch {
	case ttl <= 0:
		return nil
	case f.found != nil:
		left := min(ttl, time.Until(f.found.Expires))
		return f.entryOf(f.key, f.options, f.readAt(), f.fill.slots, c.clock.now()+int64(left))
	}
	return f.entryOf(f.key, f.options, f.readAt(), f.allSlots(), c.clock.now()+int64(ttl))
}

// allSlots returns the slots of the tags that the read named and of those that the load did.
func (f *flight) allSlots() []uint16 {
	return append(append([]uint16(nil), f.slots...), f.fill.slots...)
}
