package cache

import "github.com/woodytoys/woodytoys/cache/internal/fence"

// Fill is a load's way to tell the cache about the value that it is loading. It is for the load's
// own goroutine, and of no use after the load returned.
type Fill struct {
	slots  []uint16
	bytes  int64
	absent bool
	skip   bool
}

// Tag adds tags that were not known before the load: what the value turns out to be made from. An
// invalidation of one that came while the load ran is not missed.
func (f *Fill) Tag(tags ...string) {
	f.slots = fence.AppendSlots(f.slots, tags...)
}

// Bytes notes the value's size, so that the near cache can hold to its bound. A value whose size
// is not told counts as none beyond its overhead.
func (f *Fill) Bytes(n int) { f.bytes = int64(n) }

// Absent notes that the value stands for something that is not there: it is kept for NegativeTTL.
func (f *Fill) Absent() { f.absent = true }

// Skip has the value answered and not kept.
func (f *Fill) Skip() { f.skip = true }
