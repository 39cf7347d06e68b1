package main

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// TestRetention checks what is kept of a month of two backups a day, with the logs between them.
func TestRetention(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	var inv inventory
	at := func(i int) position { return position{0: gtid{0, 1, uint64(100 * i)}} }
	verified := func(i int) position { return position{0: gtid{0, 1, uint64(100*i + 5)}} }
	for i := range 60 {
		taken := now.Add(time.Duration(i-59) * 12 * time.Hour)
		b := backup{name: taken.Format(timeForm), line: "one", at: at(i + 1), taken: taken, kind: kindDump,
			dump: fmt.Sprint("dump", i), good: fmt.Sprint("good", i), to: verified(i + 1)}
		switch i {
		case 57:
			b.good = "" // half of one
		case 41:
			b.to = b.at // nothing was written while it was made
		}
		inv.backups = append(inv.backups, b)
		inv.chunks = append(inv.chunks, chunk{name: taken.Format(timeForm) + "l", line: "one", from: at(i + 1),
			to: at(i + 2), snapshot: fmt.Sprint("logs", i)})
	}
	inv.left = []string{"superseded"}
	gone := retention{all: 72 * time.Hour, daily: 14, every: 12 * time.Hour}.surplus(inv, now)
	kept := func(kind string, i int) bool { return !slices.Contains(gone, fmt.Sprint(kind, i)) }
	for i := range 60 {
		within := i >= 53 // 72 hours are the last 7 backups
		lastOfDay := i%2 == 1 && i > 59-6-28
		wantDump := (within || i == 52 || lastOfDay) && i != 57
		if got := kept("dump", i); got != wantDump {
			t.Errorf("the dump of %s (%d) is kept: %v, want %v", inv.backups[i].taken, i, got, wantDump)
		}
		if got, want := kept("logs", i), i >= 52 || lastOfDay && i != 41; got != want { // those that verify it
			t.Errorf("the logs of %d are kept: %v, want %v", i, got, want)
		}
	}
	if !slices.Contains(gone, "superseded") {
		t.Error("what others have taken the place of is kept")
	}
	// However old it is, the newest good one stays, with what follows it.
	gone = retention{}.surplus(inv, now.AddDate(1, 0, 0))
	if slices.Contains(gone, "dump59") || slices.Contains(gone, "good59") || slices.Contains(gone, "logs59") {
		t.Errorf("the newest is removed: %q", gone)
	}
	if !slices.Contains(gone, "dump58") || !slices.Contains(gone, "logs58") {
		t.Errorf("all others are not: %q", gone)
	}
}

// TestRetentionOutlivesTheClock makes a backup after ten days of them while the clock is a year ahead, and another one
// once it has gone back: neither makes the others a year older.
func TestRetentionOutlivesTheClock(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	r := retention{all: 72 * time.Hour, daily: 14, every: 12 * time.Hour}
	var inv inventory
	add := func(taken time.Time) {
		i := len(inv.backups)
		inv.backups = append(inv.backups, backup{name: fmt.Sprintf("%03d", i), line: "one", taken: taken,
			at: position{0: gtid{0, 1, uint64(i)}}, kind: kindDump, dump: fmt.Sprint("dump", i), good: "good"})
	}
	for i := range 20 {
		add(now.Add(time.Duration(i-20) * 12 * time.Hour))
	}
	want := func(now time.Time, oldest int) {
		t.Helper()
		gone := r.surplus(inv, now)
		for i := range inv.backups {
			lastOfDay := i%2 == 0
			if got, want := slices.Contains(gone, fmt.Sprint("dump", i)), i < oldest && !lastOfDay; got != want {
				t.Errorf("of %d backups, by %v: %d is removed: %v, want %v", len(inv.backups), now, i, got, want)
			}
		}
	}
	want(now, 13)
	ahead := now.AddDate(1, 0, 0)
	add(ahead)
	want(ahead, 15) // a year counts as a day
	add(now.Add(12 * time.Hour))
	want(now.Add(12*time.Hour), 15)
}

// TestInventoryStopsAtAGap checks that logs of another history, and those behind a gap, are left out. Logs are ordered
// by their positions, and not by the names that a clock has given them.
func TestInventoryStopsAtAGap(t *testing.T) {
	at := func(n uint64) position { return position{0: gtid{0, 1, n}} }
	b := backup{name: "1", line: "one", at: at(10), good: "g", kind: kindDump}
	inv := inventory{backups: []backup{b}, chunks: []chunk{
		{name: "0", line: "one", from: at(1), to: at(9), snapshot: "before"},
		{name: "1", line: "one", from: at(40), to: at(45), snapshot: "c"},
		{name: "2", line: "two", from: at(20), to: at(30), snapshot: "another history"},
		{name: "3", line: "one", from: at(20), to: at(40), snapshot: "b"},
		{name: "4", line: "one", from: at(5), to: at(20), snapshot: "a"},
		{name: "5", line: "one", from: at(46), to: at(50), snapshot: "behind a gap"},
	}}
	chunks, to := inv.after(b)
	var names []string
	for _, c := range chunks {
		names = append(names, c.snapshot)
	}
	if got, want := fmt.Sprint(names, to), "[a b c] 0-1-45"; got != want {
		t.Errorf("after the backup: %s, want %s", got, want)
	}
}
