package cache

import (
	"hash/maphash"
	"sync/atomic"
)

// fenceSlots is how many stamps there are: 512 KiB of them. Tags that share a slot are invalidated
// together, which costs a load now and then and is never wrong.
const fenceSlots = 1 << 16

// stamp counts invalidations. It belongs to this process and to the cache that it is of.
type stamp uint64

// fences remembers when each tag was invalidated last. Invalidating a tag costs the same for one
// entry or a million: entries are not looked for, they find out when they are read.
//
// Why a fill that reads old can do no harm: the writer commits, then raises the clock, then marks
// its tags with the new time. A fill that began at a time before that is older than the mark. A
// fill that began at that time or later began to read after the commit. Between the raised clock
// and the mark the writer has not been answered yet, so a read of the old value is still right.
type fences struct {
	clock atomic.Uint64
	seed  maphash.Seed
	slots []atomic.Uint64
}

func newFences() *fences {
	return &fences{seed: maphash.MakeSeed(), slots: make([]atomic.Uint64, fenceSlots)}
}

// now is the fence that a load takes before it begins to read.
func (f *fences) now() stamp { return stamp(f.clock.Load()) }

// slot is the place of a tag's mark.
func (f *fences) slot(tag string) uint32 {
	return uint32(maphash.String(f.seed, tag) % fenceSlots)
}

// invalidate marks tags. When it returns, nothing that was read before it was called is served.
func (f *fences) invalidate(tags []string) {
	now := f.clock.Add(1)
	for _, tag := range tags {
		mark := &f.slots[f.slot(tag)]
		for {
			last := mark.Load()
			if last >= now || mark.CompareAndSwap(last, now) {
				break
			}
		}
	}
}

// holds tells whether no tag in slots has been invalidated since the fence was taken.
func (f *fences) holds(since stamp, slots []uint32) bool {
	for _, slot := range slots {
		if f.slots[slot].Load() > uint64(since) {
			return false
		}
	}
	return true
}
