package cache

import (
	"cmp"
	"slices"
	"sync/atomic"
	"time"

	"github.com/woodytoys/woodytoys/cache/internal/count"
	"github.com/woodytoys/woodytoys/cache/stats"
)

// counts are what a cache counts, beside its loaders' meters. stats.Cache describes them.
type counts struct {
	evictions, invalidations, clears count.Counter
	waiting                          atomic.Int64
}

// meter is what one loader counts: see stats.Loader.
type meter struct {
	options *Options // the loader's options

	hits, misses, joined, refreshes, refused, failed count.Counter
	batches                                          count.Counter
	sharedHits, sharedMisses, sharedAway, unencoded  count.Counter
	stale, softTimeouts, hardTimeouts                count.Counter

	fills *count.Histogram
}

func newMeter() *meter { return &meter{fills: count.NewHistogram(100*time.Microsecond, 4, 10)} }

func (m *meter) filled(took time.Duration, err error) {
	m.fills.Observe(took)
	if err != nil {
		m.failed.Inc()
	}
}

// Stats returns what the cache has counted since it was made. It may be called at any time, and no read waits for it.
func (c *Cache) Stats() stats.Cache {
	s := stats.Cache{
		Evictions: c.counts.evictions.Load(), Invalidations: c.counts.invalidations.Load(),
		Clears:  c.counts.clears.Load(),
		Waiting: c.counts.waiting.Load(),
	}
	s.Entries, s.Bytes = c.entries.usage()
	c.mu.Lock()
	for name, m := range c.meters {
		s.Loaders = append(s.Loaders, m.stats(name))
	}
	c.mu.Unlock()
	slices.SortFunc(s.Loaders, func(a, b stats.Loader) int { return cmp.Compare(a.Name, b.Name) })
	if c.node != nil {
		shared := c.node.Stats()
		s.Cluster = &shared
	}
	return s
}

func (m *meter) stats(name string) stats.Loader {
	return stats.Loader{
		Name: name,
		Hits: m.hits.Load(), Misses: m.misses.Load(), Joined: m.joined.Load(), Refreshes: m.refreshes.Load(),
		Refused: m.refused.Load(), Failed: m.failed.Load(), Fills: m.fills.Load(),
		SharedHits: m.sharedHits.Load(), SharedMisses: m.sharedMisses.Load(), SharedAway: m.sharedAway.Load(),
		Unencoded: m.unencoded.Load(), Batches: m.batches.Load(), Stale: m.stale.Load(),
		SoftTimeouts: m.softTimeouts.Load(), HardTimeouts: m.hardTimeouts.Load(),
	}
}
