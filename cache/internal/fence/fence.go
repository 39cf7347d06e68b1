// Package fence reports whether what was read at some time may still be served: it remembers when each
// tag was invalidated last.
package fence

import (
	"encoding/binary"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"
)

// Slots is how many marks there are: 512 KiB of them. Tags that share a slot are invalidated
// together, which costs a load now and then and is never wrong.
const Slots = 1 << 16

// Stamp is a time on a table's clock, which counts invalidations.
type Stamp uint64

// Table is the clock and the marks of one process. Invalidating a tag costs the same for one entry
// or a million: entries are not looked for, they find out when they are read.
//
// Why a fill that reads old can do no harm: the writer commits, then the clock is raised, then its
// tags are marked with the new time. A fill that began at a time before that is older than the mark.
// A fill that began at that time or later began to read after the commit. Between the raised clock
// and the mark the writer has not been answered yet, so a read of the old value is still right.
type Table struct {
	clock atomic.Uint64
	floor atomic.Uint64 // no fence below it holds
	marks []atomic.Uint64
}

// New returns a table without marks.
func New() *Table { return &Table{marks: make([]atomic.Uint64, Slots)} }

// Slot returns the place of a tag's mark: the same in every process and every release, since replicas
// tell each other slots and not tags.
func Slot(tag string) uint16 { return uint16(xxhash.Sum64String(tag) % Slots) }

// AppendSlots appends the slots of tags to slots.
func AppendSlots(slots []uint16, tags ...string) []uint16 {
	for _, tag := range tags {
		slots = append(slots, Slot(tag))
	}
	return slots
}

// Now returns the fence that a load takes before it begins to read.
func (t *Table) Now() Stamp { return Stamp(t.clock.Load()) }

// Invalidate marks slots with a new time. When it returns, nothing of them that was read before it
// was called holds.
func (t *Table) Invalidate(slots []uint16) { t.mark(t.clock.Add(1), slots) }

// InvalidateAt is like Invalidate, for an invalidation to which somebody else gave its time, which is above
// the clock's.
func (t *Table) InvalidateAt(at Stamp, slots []uint16) {
	t.clock.Store(uint64(at))
	t.mark(uint64(at), slots)
}

// Clear invalidates everything that was read before it was called. It is for a table that follows no other clock:
// Adopt sets what Clear raises.
func (t *Table) Clear() {
	at := t.clock.Add(1)
	for {
		floor := t.floor.Load()
		if floor >= at || t.floor.CompareAndSwap(floor, at) {
			return
		}
	}
}

func (t *Table) mark(at uint64, slots []uint16) {
	for _, slot := range slots {
		t.markAt(at, slot)
	}
}

func (t *Table) markAt(at uint64, slot uint16) {
	mark := &t.marks[slot]
	for {
		last := mark.Load()
		if last >= at || mark.CompareAndSwap(last, at) {
			return
		}
	}
}

// Mark is when a slot was invalidated last, by somebody else's clock.
type Mark struct {
	Slot uint16
	At   uint64
}

// Adopt makes the table follow somebody else's clock, from a reading of it on and with the marks that it had then.
// Nothing holds any more that was read before Adopt was called. It returns the stamp of that clock's zero: its times
// come after it, also those from before the reading, and what was read at one of them holds if no mark is later.
func (t *Table) Adopt(reading uint64, marks []Mark) (zero Stamp) {
	begin := t.clock.Load() + 1
	t.floor.Store(begin)
	for _, m := range marks {
		t.markAt(begin+m.At, m.Slot)
	}
	t.clock.Store(begin + reading)
	return Stamp(begin)
}

// Holds reports whether no tag in slots has been invalidated since the fence was taken.
func (t *Table) Holds(since Stamp, slots []uint16) bool {
	if uint64(since) < t.floor.Load() {
		return false
	}
	for _, slot := range slots {
		if t.marks[slot].Load() > uint64(since) {
			return false
		}
	}
	return true
}

// HoldsPacked is like Holds, for slots that stand in two bytes each, the higher one first.
func (t *Table) HoldsPacked(since Stamp, slots []byte) bool {
	if uint64(since) < t.floor.Load() {
		return false
	}
	for i := 0; i+1 < len(slots); i += 2 {
		if t.marks[binary.BigEndian.Uint16(slots[i:])].Load() > uint64(since) {
			return false
		}
	}
	return true
}
