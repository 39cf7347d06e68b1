package cache

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/woodytoys/woodytoys/cache/internal/broken"
	"github.com/woodytoys/woodytoys/cache/internal/layer"
)

// ErrNotTried is for loads that could not even try, such as one whose means are gone. A load that returns it, or an
// error that wraps it, has not failed: callers get the error, nothing stale is returned in its place, and the next
// caller tries.
var ErrNotTried = errors.New("cache: the load was not tried")

func (o *Options) checkStale() error {
	switch {
	case o.MaxStale < 0:
		return fmt.Errorf("cache: loader %s: MaxStale must not be below zero, as %v is", o.Name, o.MaxStale)
	case o.RetryAfter < 0 || o.RetryAfter > o.MaxStale:
		return fmt.Errorf("cache: loader %s: RetryAfter must be from 0 to MaxStale (%v), not %v",
			o.Name, o.MaxStale, o.RetryAfter)
	}
	return nil
}

// usable reports whether a value may stand in for a load that fails or is late. Time is all that MaxStale forgives:
// what was invalidated, or may have been, is not returned. So it is to be asked for each caller, after that one has
// come: a value that was usable before may not be so now.
func (c *Cache) usable(e *entry, o *Options) bool {
	if e == nil || (e.err != nil || e.absent) && !broken.Stale {
		return false
	}
	now := c.clock.now()
	if !c.live(now) && !broken.Stale || now >= e.expires+int64(o.MaxStale) {
		return false
	}
	return c.fences.Holds(e.fence, e.slots) || broken.Stale
}

// lastGood returns what stands in for a key's load because one failed less than RetryAfter ago; else nil.
func (c *Cache) lastGood(key string, o *Options) *entry {
	if o.MaxStale <= 0 || !c.failed.has(key, c.clock.now()) {
		return nil
	}
	if e := c.entries.get(key); c.usable(e, o) {
		return e
	}
	return nil
}

// instead returns what may stand in for a flight's load now; nil without anything.
func (c *Cache) instead(f *flight) *entry {
	if f.options.MaxStale <= 0 {
		return nil
	}
	for _, e := range [...]*entry{c.entries.get(f.key), f.fallback.Load()} {
		if c.usable(e, f.options) {
			return e
		}
	}
	return nil
}

// hasFailed reports whether the load brought an error that a stale value may stand in for. An absence is an answer.
func (o *outcome) hasFailed() bool {
	return o.err != nil && !o.absent && !errors.Is(o.err, ErrOwnKey) && !errors.Is(o.err, ErrNotTried)
}

// lapsed reports whether a value that the shared layer has is there only to stand in for a load. One that does not
// outlive its time is never late: the layer itself ends it, and clocks differ. Builds before have no value say that it
// does.
func (o *Options) lapsed(found *layer.Found) bool {
	return (found.Outlives || o.MaxStale > 0) && time.Until(found.Expires) <= 0
}

// standIn makes an entry of a value of the shared layer, whose time is over; nil when it is none that may stand in for
// a load.
func (c *Cache) standIn(key string, o *Options, found *layer.Found) *entry {
	var brought outcome
	if found.Absent || !brought.take(found, o.Codec) {
		return nil
	}
	expires := c.clock.now() + int64(time.Until(found.Expires))
	e := brought.entryOf(key, o, found.Stamp, brought.fill.slots, expires)
	e.came = c.clock.now()
	return e
}

// fallBackTo lets a value of the shared layer stand in for a flight's load, where there is none near.
func (c *Cache) fallBackTo(f *flight, found *layer.Found) {
	if f.options.MaxStale > 0 && !c.usable(f.fallback.Load(), f.options) {
		f.fallback.Store(c.standIn(f.key, f.options, found))
	}
}

// noteFailure remembers for RetryAfter that a flight failed, and has what stands in for its load near meanwhile. A
// refresh that fails while its value is good changes nothing. The flights are locked.
func (c *Cache) noteFailure(f *flight) {
	switch {
	case f.options.MaxStale <= 0:
	case f.err == nil || f.absent:
		c.failed.forget(f.key)
	case f.failed && !c.isAhead(f):
		c.failed.set(f.key, c.clock.now()+int64(f.options.RetryAfter))
		if e := c.instead(f); e != nil && e != c.entries.get(f.key) {
			c.entries.set(f.key, e)
		}
	}
}

// stale returns an entry in place of a load; err is why it was not loaded, nil when that was another caller's load.
func (l *Loader[V]) stale(e *entry, info Info, err error) (V, Info, error) {
	l.meter.stale.Inc()
	v, _ := e.value.(V)
	info.TTL = time.Duration(e.expires - l.cache.clock.now())
	info.Stale, info.LoadErr = info.TTL <= 0, err
	return v, info, nil
}

// lookStale is like look, for a value whose time is over: it returns it where a load failed less than RetryAfter ago,
// and keeps it near.
func (l *Loader[V]) lookStale(key string, found *layer.Found) (v V, info Info, ok bool) {
	c := l.cache
	if !c.failed.has(key, c.clock.now()) {
		return v, info, false
	}
	e := c.standIn(key, &l.options, found)
	if !c.usable(e, &l.options) {
		return v, info, false
	}
	if c.Near() {
		c.entries.set(strings.Clone(key), e)
	}
	l.meter.sharedHits.Inc()
	v, info, _ = l.stale(e, Info{Shared: SharedHit}, nil)
	return v, info, true
}
