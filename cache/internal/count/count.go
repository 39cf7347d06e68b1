// Package count counts, for stats, without a lock.
package count

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/woodytoys/woodytoys/cache/stats"
)

// Counter counts upwards from zero.
type Counter struct{ n atomic.Uint64 }

// Inc counts one.
func (c *Counter) Inc() { c.n.Add(1) }

// Add counts n.
func (c *Counter) Add(n uint64) { c.n.Add(n) }

// Load returns how many were counted.
func (c *Counter) Load() uint64 { return c.n.Load() }

// Histogram counts durations by size.
type Histogram struct {
	bounds []time.Duration
	counts []Counter
	sum    atomic.Int64 // nanoseconds
}

// NewHistogram returns a histogram of n bounds, of which the first is given and each further one is factor times the
// one before.
func NewHistogram(first time.Duration, factor, n int) *Histogram {
	h := &Histogram{counts: make([]Counter, n+1)}
	for bound := first; len(h.bounds) < n; bound *= time.Duration(factor) {
		h.bounds = append(h.bounds, bound)
	}
	return h
}

// Observe counts a duration.
func (h *Histogram) Observe(d time.Duration) {
	i, _ := slices.BinarySearch(h.bounds, d)
	h.counts[i].Inc()
	h.sum.Add(int64(d))
}

// Load returns what was counted.
func (h *Histogram) Load() stats.Histogram {
	s := stats.Histogram{Bounds: h.bounds, Counts: make([]uint64, len(h.counts)), Sum: time.Duration(h.sum.Load())}
	for i := range h.counts {
		s.Counts[i] = h.counts[i].Load()
	}
	return s
}
