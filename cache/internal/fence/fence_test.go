package fence

import "testing"

// TestAdopt checks which fences hold after a table has adopted another clock, which stands at 9 with a mark of slot 7
// at 5.
func TestAdopt(t *testing.T) {
	table := New()
	table.Invalidate([]uint16{1})
	table.Invalidate([]uint16{1})
	before := table.Now()
	zero := table.Adopt(9, []Mark{{Slot: 7, At: 5}})
	if table.Now() != zero+9 {
		t.Errorf("the clock stands at %d, want %d", table.Now(), zero+9)
	}
	for _, row := range []struct {
		what  string
		since Stamp
		slot  byte
		holds bool
	}{
		{"from before, without a mark", before, 3, false},
		{"of the other clock's beginning, without a mark", zero, 3, true},
		{"of the other clock's beginning, with a mark of the clock before", zero, 1, true},
		{"from before the mark", zero + 4, 7, false},
		{"of the mark's time", zero + 5, 7, true},
		{"of the reading", zero + 9, 7, true},
	} {
		if got := table.Holds(row.since, []uint16{uint16(row.slot)}); got != row.holds {
			t.Errorf("%s: holds: %v, want %v", row.what, got, row.holds)
		}
		if got := table.HoldsPacked(row.since, []byte{0, row.slot}); got != row.holds {
			t.Errorf("%s, packed: holds: %v, want %v", row.what, got, row.holds)
		}
	}
	table.InvalidateAt(zero+10, []uint16{3})
	if table.Holds(zero+9, []uint16{3}) || !table.Holds(zero+10, []uint16{3}) {
		t.Error("an invalidation at the other clock's time 10 leaves what was read at 9, or ends what was read at 10")
	}
}

// TestClear checks that nothing from before it holds, tagged or not, that what begins after it does, and that it lowers
// nothing.
func TestClear(t *testing.T) {
	table := New()
	table.Invalidate([]uint16{1})
	before := table.Now()
	table.Clear()
	if table.Holds(before, nil) || table.Holds(before, []uint16{2}) || table.HoldsPacked(before, nil) {
		t.Error("what was read before it holds")
	}
	if now := table.Now(); !table.Holds(now, []uint16{1, 2}) || !table.HoldsPacked(now, []byte{0, 2}) {
		t.Error("what was read after it does not hold")
	}
	table.floor.Store(100) // as by another that was later
	table.Clear()
	if floor := table.floor.Load(); floor != 100 {
		t.Errorf("the floor is %d, want it left at 100", floor)
	}
}
