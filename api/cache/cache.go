package cache

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Cache holds the values of any number of loaders. It is safe for concurrent use.
type Cache struct {
	fences  *fences
	keep    keep
	flights flights
	clock   clock
	metrics *metrics

	mu    sync.Mutex
	names map[string]bool // of loaders
}

// New makes a cache.
func New(cfg Config) (*Cache, error) {
	if cfg.MaxBytes <= 0 {
		cfg.MaxBytes = 64 << 20
	}
	if cfg.Registerer == nil {
		cfg.Registerer = prometheus.NewRegistry()
	}
	c := &Cache{
		fences: newFences(), clock: clock{time.Now()}, names: map[string]bool{},
		flights: flights{byKey: map[string]*flight{}},
	}
	c.flights.landed.L = &c.flights.mu
	if cfg.Store != nil {
		c.keep = plugged{cfg.Store}
	} else {
		near, err := newNear(cfg.MaxBytes, func() { c.metrics.evictions.Inc() })
		if err != nil {
			return nil, err
		}
		c.keep = near
	}
	var err error
	c.metrics, err = newMetrics(cfg.Registerer, c.keep)
	return c, err
}

// Invalidate is to be called after a write has committed and before it is acknowledged, with the
// tags of all that it changes. When it returns, no read that begins answers anything that was read
// from before it was called. It costs the same for one entry or a million.
func (c *Cache) Invalidate(tags ...string) {
	c.fences.invalidate(tags)
	c.metrics.invalidations.Inc()
}

// Close waits until no load is under way.
func (c *Cache) Close() {
	c.flights.mu.Lock()
	defer c.flights.mu.Unlock()
	for c.flights.running > 0 {
		c.flights.landed.Wait()
	}
}

// find looks a key up. It answers nil when there is no entry that may be served, and then the
// reason.
func (c *Cache) find(key string, now int64) (*entry, Reason) {
	e := c.keep.get(key)
	switch {
	case e == nil:
		return nil, Unknown
	case e.expires <= now:
		return nil, Expired
	case !c.fences.holds(e.fence, e.slots):
		return nil, Invalidated
	}
	return e, Hit
}
