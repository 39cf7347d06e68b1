package cache

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/woodytoys/woodytoys/cache/internal/fence"
	"github.com/woodytoys/woodytoys/cache/internal/layer"
	"github.com/woodytoys/woodytoys/cache/tracing"
)

// Cache holds the values of any number of loaders. It is safe for concurrent use.
type Cache struct {
	fences  *fence.Table
	entries entryStore
	node    layer.Node // nil for a cache of one process
	flights flights
	clock   clock
	counts  counts
	tracer  tracing.Tracer // nil where nobody follows
	named   bool           // tags are kept by name
	failed  backoff        // keys whose load failed, for RetryAfter
	// refreshed are keys that are being refreshed, where nothing is near.
	refreshed backoff

	mu     sync.Mutex
	meters map[string]*meter // by the names of the loaders
}

// New returns a cache. With a Cluster it does not wait for Redis or the database: until both have been
// reached, every read is loaded.
func New(cfg Config) (*Cache, error) {
	if cfg.MaxBytes <= 0 {
		cfg.MaxBytes = 64 << 20
	}
	c := &Cache{
		fences: fence.New(), clock: clock{time.Now()}, meters: map[string]*meter{}, named: cfg.KeepTags,
		tracer:  cfg.Tracer,
		flights: flights{byKey: map[string]*flight{}},
	}
	switch {
	case cfg.Store != nil:
		c.entries = plugged{cfg.Store}
	case cfg.NoNear:
		c.entries = noEntries{}
	default:
		near, err := newNear(cfg.MaxBytes, c.counts.evictions.Inc)
		if err != nil {
			return nil, err
		}
		c.entries = near
	}
	if cfg.Cluster != nil {
		var err error
		host := layer.Host{Fences: c.fences, Now: c.clock.now, Tracer: c.tracer}
		if c.node, err = cfg.Cluster.Join(host); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Invalidate is to be called after a write has committed and before it is acknowledged, with the
// tags of all that it changes. When it returns nil, no read that begins, on any replica, returns
// anything that was read from before it was called. It costs the same for one entry or a million.
//
// In one process it never fails and takes no time. In a cluster it takes a round over the bus; with a
// replica away, AckTimeout and a Lease at most; with Redis away for all, about a Lease and a half. An error
// means that neither Redis nor the database could be told: the write must not be acknowledged then, though
// it has happened.
func (c *Cache) Invalidate(tags ...string) error { return c.Settle(0, tags...) }

// Settle is like Invalidate, for a write that recorded its tags in its own transaction: see
// outbox.Outbox.Record, which returns the record. What a process that dies before it has settled
// leaves behind, another replica carries out.
func (c *Cache) Settle(record int64, tags ...string) error {
	return c.SettleContext(context.Background(), record, tags...)
}

// SettleContext is Settle on behalf of ctx, for Config.Tracer. It does not end with ctx: a write that has been
// committed is settled whoever waits for it.
func (c *Cache) SettleContext(ctx context.Context, record int64, tags ...string) error {
	c.counts.invalidations.Inc()
	if c.node != nil {
		// cloned, so that the caller's slice can stay on its stack in the one-process case
		return c.node.Settle(ctx, record, slices.Clone(tags))
	}
	var room [16]uint16 // on the stack
	c.fences.Invalidate(fence.AppendSlots(room[:0], tags...))
	return nil
}

// Close waits for the loads that are under way, and leaves the cluster. Loads whose callers have all left by a timeout,
// and with a timeout refreshes ahead of expiry, are told to stop, by their ctx. It does not wait for loads that callers
// begin while it waits: what they bring is right, and perhaps not shared.
func (c *Cache) Close() {
	for _, f := range c.flights.letAllGo() {
		if <-f.done; f.next != nil {
			<-f.next.done
		}
	}
	if c.node != nil {
		c.node.Close()
	}
}

// Near reports whether this process keeps entries in memory.
func (c *Cache) Near() bool { return c.entries != noEntries{} }

// Traced reports whether the cache has a Tracer, so that the contexts that it is given matter to it: without one nobody
// need make any.
func (c *Cache) Traced() bool { return c.tracer != nil }

// Shared reports whether the cache is one replica's part of a cluster.
func (c *Cache) Shared() bool { return c.node != nil }

// live reports whether this process has heard of every write that was acknowledged before now, so that it
// may answer from what it keeps.
func (c *Cache) live(now int64) bool { return c.node == nil || c.node.Live(now) }

// find looks a key up. It returns nil when there is no entry that may be served, and then the
// reason.
func (c *Cache) find(key string, now int64) (*entry, Reason) {
	if !c.live(now) {
		return nil, Unsure
	}
	e := c.entries.get(key)
	switch {
	case e == nil:
		return nil, Unknown
	case e.expires <= now:
		return nil, Expired
	case !c.fences.Holds(e.fence, e.slots):
		return nil, Invalidated
	}
	return e, Hit
}
