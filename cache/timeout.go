package cache

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/woodytoys/woodytoys/cache/internal/broken"
)

// ErrLate is the error of a read whose load takes longer than HardTimeout, and the Info.LoadErr of one that got a stale
// value instead. The load goes on.
var ErrLate = errors.New("cache: the load takes longer than its caller waits")

func (o *Options) checkTimeouts() error {
	switch {
	case min(o.SoftTimeout, o.HardTimeout, o.LateTimeout) < 0:
		return fmt.Errorf("cache: loader %s: no timeout must be below zero, as %v is",
			o.Name, min(o.SoftTimeout, o.HardTimeout, o.LateTimeout))
	case o.SoftTimeout > 0 && o.MaxStale == 0:
		return fmt.Errorf("cache: loader %s: SoftTimeout needs MaxStale: set it, or HardTimeout instead", o.Name)
	case o.HardTimeout > 0 && o.HardTimeout <= o.SoftTimeout:
		return fmt.Errorf("cache: loader %s: HardTimeout must be above SoftTimeout (%v), not %v",
			o.Name, o.SoftTimeout, o.HardTimeout)
	case o.LateTimeout > 0 && !o.bounded() && o.RefreshAhead == 0:
		return fmt.Errorf("cache: loader %s: LateTimeout needs SoftTimeout, HardTimeout or RefreshAhead", o.Name)
	}
	return nil
}

// bounded reports whether callers may leave a load before it ends.
func (o *Options) bounded() bool { return o.SoftTimeout > 0 || o.HardTimeout > 0 }

// waitLimit is how long one caller waits for loads.
type waitLimit struct {
	soft, hard int64       // deadlines, on the cache's clock; zero for none
	timer      *time.Timer // fires at the next deadline; nil when there is none
}

// waitLimit returns the limit of a caller who came now.
func (o *Options) waitLimit(now int64) (p waitLimit) {
	if o.SoftTimeout > 0 {
		p.soft = now + int64(o.SoftTimeout)
	}
	if o.HardTimeout > 0 {
		p.hard = now + int64(o.HardTimeout)
	}
	if first := cmp.Or(o.SoftTimeout, o.HardTimeout); first > 0 {
		p.timer = time.NewTimer(first)
	}
	return p
}

// rings returns what is sent on when a bound is over; it is nil, and never sent on, without one.
func (p *waitLimit) rings() <-chan time.Time {
	if p.timer == nil {
		return nil
	}
	return p.timer.C
}

// again has the timer ring at the next deadline; it may have rung already, for a flight that ended at the same moment.
func (p *waitLimit) again(now int64) {
	if p.timer != nil {
		p.timer.Reset(time.Duration(cmp.Or(p.soft, p.hard) - now))
	}
}

func (p *waitLimit) end() {
	if p.timer != nil {
		p.timer.Stop()
	}
}

// over lets a caller whose timer has rung leave a flight, if it may. Then it leaves with what stands in for the
// load; with nil, there is nothing. Otherwise the caller goes on waiting.
func (c *Cache) over(f *flight, p *waitLimit) (instead *entry, left bool) {
	now := c.clock.now()
	hard := p.hard > 0 && now >= p.hard
	instead = c.instead(f)
	if instead == nil && !hard {
		p.soft = 0
		if p.hard > 0 {
			p.timer.Reset(time.Duration(p.hard - now))
		}
		return nil, false
	}
	if !c.leaveLate(f) {
		return nil, false // the flight has ended
	}
	if hard {
		f.meter.hardTimeouts.Inc()
	} else {
		f.meter.softTimeouts.Inc()
	}
	return instead, true
}

// leaveLate takes a caller off a flight that goes on without, and reports whether it did: not when the flight has ended
// at the same moment.
func (c *Cache) leaveLate(f *flight) bool {
	c.flights.mu.Lock()
	defer c.flights.mu.Unlock()
	select {
	case <-f.done:
		return false
	default:
	}
	if !f.held && !c.flights.closing && !broken.Late {
		f.waiting++
		c.hold(f)
	}
	f.drop()
	return true
}

// longestRefresh is how long a refresh goes on that has no timeout, if nobody waits for it.
const longestRefresh = time.Minute

// hold makes one of those who wait for a flight its holder, who waits for LateTimeout from when it begins. It is for a
// refresh, and for the first caller that leaves late, and never twice, so that no flight goes on for ever. The flights
// are locked.
func (c *Cache) hold(f *flight) {
	f.held, f.holding = true, true
	if c.flights.byKey[f.key] == f {
		c.timeHolder(f)
	}
}

// timeHolder begins the time that a holder waits, if the flight has one. The flights are locked.
func (c *Cache) timeHolder(f *flight) {
	if !f.holding {
		return
	}
	f.holder = time.AfterFunc(cmp.Or(f.options.LateTimeout, min(f.options.TTL, longestRefresh)), func() {
		c.flights.mu.Lock()
		defer c.flights.mu.Unlock()
		f.letGo()
	})
}

// letGo takes the holder off a flight, if it has one, so that it ends when those who wait have left. With a timeout
// nobody joins it any more, or it would go on for as long as callers come. The flights are locked.
func (f *flight) letGo() {
	if f.holding {
		f.overdue = f.options.bounded()
		f.endHolder()
		f.drop()
	}
}

// endHolder removes a flight's holder. The flights are locked.
func (f *flight) endHolder() {
	f.holding = false
	if f.holder != nil {
		f.holder.Stop()
	}
}

// letAllGo takes off all flights the holders that stand for callers who have left by a timeout, and has none have
// another. It returns the flights that run.
func (f *flights) letAllGo() []*flight {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closing = true
	for _, running := range f.byKey {
		for _, flight := range []*flight{running, running.next} {
			if flight != nil && flight.options.bounded() {
				flight.letGo()
			}
		}
	}
	return slices.Collect(maps.Values(f.byKey))
}
