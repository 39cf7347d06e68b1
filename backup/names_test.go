package main

import (
	"slices"
	"testing"
	"time"
)

// TestNamesAreInTheirOrder sets the clock back in each way: behind the last name, onto it, and behind what a repository
// has.
func TestNamesAreInTheirOrder(t *testing.T) {
	noon := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	var n names
	var given []string
	for _, later := range []time.Duration{0, 0, 100 * time.Microsecond, 2 * time.Hour, time.Hour, time.Hour,
		3 * time.Hour} {
		given = append(given, n.next(noon.Add(later)))
	}
	n.take(inventory{backups: []backup{{name: "20261127T160000.000Z"}, {name: "20261127T170000.000Z-before"}},
		chunks: []chunk{{name: "20261127T150000.000Z"}, {name: "damaged"}}})
	given = append(given, n.next(noon.Add(4*time.Hour)))
	n.take(inventory{chunks: []chunk{{name: "20261127T180000.999Z"}}})
	n.take(inventory{})
	given = append(given, n.next(noon.Add(6*time.Hour)), n.next(noon.Add(8*time.Hour)))
	want := []string{"20261127T120000.000Z", "20261127T120000.001Z", "20261127T120000.002Z", "20261127T140000.000Z",
		"20261127T140000.001Z", "20261127T140000.002Z", "20261127T150000.000Z", "20261127T170000.001Z",
		"20261127T180001.000Z", "20261127T200000.000Z"}
	if !slices.Equal(given, want) {
		t.Errorf("the names are\n%q, want\n%q", given, want)
	}
}

// TestStreamsOfOneNameAreTwo checks that logs are not taken for replaced ones only because a clock has given two
// streams one name.
func TestStreamsOfOneNameAreTwo(t *testing.T) {
	logs := func(id, from, to string) snapshot {
		return snapshot{ID: id, Tags: []string{"kind:logs", "chunk:c", "line:l", "from:" + from, "to:" + to}}
	}
	inv := readInventory([]snapshot{logs("a", "0-1-1", "0-1-5"), logs("b", "0-1-1", "0-1-7"),
		logs("c", "0-1-7", "0-1-9")})
	chunks, to := inv.after(backup{line: "l", at: position{0: gtid{0, 1, 1}}})
	if len(chunks) != 2 || to.String() != "0-1-9" || !slices.Equal(inv.left, []string{"a"}) {
		t.Errorf("the logs are %v and go to %s, and %q are left", chunks, to, inv.left)
	}
}

// TestRestoredUntilTheNextBackup checks that the backup that follows a restore is distinguished from those before it
// whatever the clock says.
func TestRestoredUntilTheNextBackup(t *testing.T) {
	now := time.Now()
	k := &keeper{cfg: &config{WorkDir: t.TempDir()}, repo: &keptRepository{}}
	ahead := backup{name: k.repo.names.next(now.Add(2 * time.Hour)), taken: now.Add(2 * time.Hour), kind: kindDump,
		good: "g"}
	if err := k.setMark(restoredMark, mark{Time: now, Name: k.repo.newName(), At: "0-1-7"}); err != nil {
		t.Fatal(err)
	}
	inv := inventory{backups: []backup{ahead}}
	if at, ok, err := k.restored(inv); err != nil || !ok || at.String() != "0-1-7" {
		t.Errorf("after the restore: %s, %v, %v", at, ok, err)
	}
	next := backup{name: k.repo.newName(), taken: now.Add(-time.Minute), kind: kindDump, good: "g"}
	inv.backups = append(inv.backups, next)
	if at, ok, err := k.restored(inv); err != nil || ok {
		t.Errorf("after the next backup: %s, %v, %v", at, ok, err)
	}
}
