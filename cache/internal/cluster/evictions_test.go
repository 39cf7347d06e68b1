package cluster

import (
	"maps"
	"testing"
)

// TestEvictions checks that a writer waits for the lease of whoever was evicted, from when that was first seen.
func TestEvictions(t *testing.T) {
	var now int64
	e := &evictions{now: func() int64 { return now }, lease: 100, seen: map[string]int64{}}
	for _, row := range []struct {
		at      int64
		members map[string]string
		over    int64
	}{
		{10, map[string]string{"a": "3"}, 0},
		{20, map[string]string{"a": "3", "b": evicted}, 120},
		{50, map[string]string{"a": "4", "b": evicted}, 120},
		{60, map[string]string{"a": "4", "b": evicted, "c": evicted}, 160},
		{70, map[string]string{"a": "4", "b": evicted}, 120},
	} {
		now = row.at
		left := maps.Clone(row.members)
		if over := e.takeOff(left); over != row.over {
			t.Errorf("at %d, of %v: the leases are over at %d, want %d", row.at, row.members, over, row.over)
		}
		if len(left) != 1 || left["a"] != row.members["a"] {
			t.Errorf("at %d, of %v: %v are left, want a alone", row.at, row.members, left)
		}
	}
	now = 20 + rememberLeases*100 + 1
	if e.takeOff(nil); len(e.seen) != 1 {
		t.Errorf("%v are remembered, want c alone", e.seen)
	}
}
