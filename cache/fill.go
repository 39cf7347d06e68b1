package cache

import (
	"strings"
	"time"

	"github.com/woodytoys/woodytoys/cache/internal/fence"
)

// Fill is how a load describes to the cache the value that it is loading. It is for the load's
// own goroutine, and of no use after the load returned.
type Fill struct {
	slots  []uint16
	tags   *[]string // those that the read named and those of Tag, by name; nil where that is not asked for
	bytes  int64
	ttl    time.Duration // zero for the loader's TTL
	absent bool
	skip   bool
}

// Tag adds tags that were not known before the load: what the value turns out to be made from. An
// invalidation of one that came while the load ran is not missed.
func (f *Fill) Tag(tags ...string) {
	f.slots = fence.AppendSlots(f.slots, tags...)
	f.name(tags)
}

// name stores tags by name, if that is asked for. The caller's may be made from a buffer that is used again.
func (f *Fill) name(tags []string) {
	if f.tags == nil {
		return
	}
	for _, tag := range tags {
		*f.tags = append(*f.tags, strings.Clone(tag))
	}
}

// Bytes notes the value's size, so that the near cache can hold to its bound. A value whose size
// is not given counts as none beyond its overhead.
func (f *Fill) Bytes(n int) { f.bytes = int64(n) }

// Absent notes that the value stands for something that is not there: it is kept for NegativeTTL.
func (f *Fill) Absent() { f.absent = true }

// TTL sets that the value is kept for d, where that is shorter than the loader's TTL or, for an absence, than its
// NegativeTTL: those it never exceeds. Options.Jitter and Options.RefreshAhead are parts of the shorter one then. Of
// several calls the shortest counts. With zero or less the value is not kept, as with Skip.
//
// Another replica that finds the value can see how long it has left, and not how long it had: where that is less than
// it takes RefreshAhead to begin, the next read there refreshes it.
func (f *Fill) TTL(d time.Duration) {
	switch {
	case d <= 0:
		f.skip = true
	case f.ttl == 0 || d < f.ttl:
		f.ttl = d
	}
}

// bound returns ttl, or what the load set instead where that is shorter.
func (f *Fill) bound(ttl time.Duration) time.Duration {
	if f.ttl > 0 {
		return min(f.ttl, ttl)
	}
	return ttl
}

// Skip sets that the value is returned and not kept.
func (f *Fill) Skip() { f.skip = true }
