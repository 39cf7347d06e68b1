package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestTimesAreWholeSeconds checks that the fraction of a second is left out: the log has none, so that a transaction of
// that second would be before it.
func TestTimesAreWholeSeconds(t *testing.T) {
	want := time.Date(2026, 11, 27, 7, 0, 0, 0, time.UTC)
	for _, text := range []string{"2026-11-27T07:00:00Z", "2026-11-27T07:00:00.100Z",
		"2026-11-27T08:00:00.999999999+01:00", "2026-11-27 07:00:00.5Z", "2026-11-27 02:00:00.5 -0500"} {
		if got, err := parseTime(text); err != nil || !got.Equal(want) {
			t.Errorf("%s is %v (%v), want %v", text, got, err, want)
		}
	}
	if got, err := parseTime("2026-11-27T07:00:00"); err == nil {
		t.Errorf("a time without its zone is %v", got)
	}
}

// TestTimesBeyondTheLogsAreRefused checks to which times can be restored where the logs of one history end before
// another one begins.
func TestTimesBeyondTheLogsAreRefused(t *testing.T) {
	noon := time.Now().Add(-2 * time.Hour).UTC().Truncate(time.Second)
	at := func(n uint64) position { return position{0: gtid{0, 1, n}} }
	inv := inventory{backups: []backup{
		{name: "1", line: "one", at: at(1), taken: noon, good: "g", kind: kindDump},
		{name: "2", line: "one", at: at(5), taken: noon.Add(20 * time.Minute), good: "g", kind: kindDump},
		{name: "3", line: "two", at: at(90), taken: noon.Add(time.Hour), good: "g", kind: kindDump},
	}, chunks: []chunk{
		{name: "1", line: "one", from: at(1), to: at(7), saved: noon.Add(10 * time.Minute)},
		{name: "2", line: "one", from: at(7), to: at(9), saved: noon.Add(30*time.Minute + time.Millisecond)},
		{name: "3", line: "one", from: at(20), to: at(30), saved: noon.Add(40 * time.Minute)}, // behind a gap
	}}
	for _, test := range []struct {
		after time.Duration
		now   present
		want  bool
	}{
		{5 * time.Minute, present{}, true},
		{15 * time.Minute, present{}, true}, // the second backup is of later, and the logs come up to it
		{30 * time.Minute, present{}, true},
		{30*time.Minute + time.Second, present{}, false},
		{30*time.Minute + time.Second, present{"one", at(9)}, true},
		{30*time.Minute + time.Second, present{"one", at(30)}, false}, // what was shipped lies behind the gap
		{30 * time.Minute, present{"one", at(30)}, true},
		{50 * time.Minute, present{"two", at(90)}, false},
		{61 * time.Minute, present{"two", at(90)}, true}, // nothing was written since
		{61 * time.Minute, present{"two", at(91)}, false},
		{61 * time.Minute, present{}, false},
	} {
		p, err := planFor(inv, noon.Add(test.after).Format(time.RFC3339))
		if err != nil {
			t.Fatal(err)
		}
		if err := p.check(inv, test.now); (err == nil) != test.want {
			t.Errorf("after %v, with %v kept up to now: %v", test.after, test.now, err)
		}
	}
	for _, test := range []struct {
		text string
		now  present
		want bool
	}{
		{"", present{}, true}, {"", present{"two", at(90)}, true}, {"", present{"one", at(9)}, true},
		{"", present{"two", at(95)}, false}, {"3", present{"two", at(95)}, true}, {"1", present{}, true},
	} {
		p, err := planFor(inv, test.text)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.check(inv, test.now); (err == nil) != test.want {
			t.Errorf("%q, with %v kept up to now: %v", test.text, test.now, err)
		}
	}
}

// TestAClockThatWentBackPutsNoTimeWithinReach checks that a restore refuses a time that only logs by a clock that was
// ahead have.
func TestAClockThatWentBackPutsNoTimeWithinReach(t *testing.T) {
	at := func(n uint64) position { return position{0: gtid{0, 1, n}} }
	noon := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	b := backup{name: "1", line: "one", at: at(1), taken: noon.Add(-time.Hour), good: "g", kind: kindDump}
	inv := inventory{backups: []backup{b}, chunks: []chunk{
		{name: "2", line: "one", from: at(5), to: at(9), saved: noon.Add(time.Hour)},
		{name: "3", line: "one", from: at(1), to: at(5), saved: noon.Add(2 * time.Hour)}, // two hours ahead
	}}
	if got, want := inv.reach(b), noon.Add(time.Hour); !got.Equal(want) {
		t.Errorf("what is kept has all until %v, want %v", got, want)
	}
}

// TestBackupForATime chooses one by clocks that went on, were ahead for a while, and were behind.
func TestBackupForATime(t *testing.T) {
	noon := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name  string
		taken []int // hours after noon, in the order in which they were made
		lines string
		by    float64
		want  int
	}{
		{"before all", []int{1, 2}, "aa", 0.5, -1},
		{"a clock that goes on", []int{1, 2, 3}, "aaa", 2.5, 1},
		{"behind all", []int{1, 2, 3}, "aaa", 3, 2},
		{"ahead for a while: by the right clock", []int{1, 8, 3, 4}, "aaaa", 3.5, 2},
		{"ahead for a while: before that", []int{1, 8, 3, 4}, "aaaa", 2.5, 0},
		{"ahead for a while, and caught up with", []int{1, 8, 3, 4, 9}, "aaaaa", 8.5, 1},
		{"ahead for a while, in another history", []int{1, 8, 3, 4}, "aabb", 8.5, 3},
		{"behind for a while", []int{1, -99, 3}, "aaa", 2, 0},
		{"behind for a while: what is since", []int{1, -99, 3}, "aaa", 3, 2},
	} {
		var inv inventory
		for i, hours := range test.taken {
			inv.backups = append(inv.backups, backup{name: string(rune('0' + i)), line: test.lines[i : i+1], good: "g",
				taken: noon.Add(time.Duration(hours) * time.Hour), kind: kindDump})
		}
		b, ok := inv.newest(noon.Add(time.Duration(test.by * float64(time.Hour))))
		if ok != (test.want >= 0) || ok && b.name != string(rune('0'+test.want)) {
			t.Errorf("%s: %q (%v), want %d", test.name, b.name, ok, test.want)
		}
	}
}

// TestStateOfTheDatabase goes through what restores leave behind. Only where the database is whole may an error say
// that nothing was changed: whoever reads it starts the shop again.
func TestStateOfTheDatabase(t *testing.T) {
	t.Parallel()
	k := &keeper{cfg: &config{WorkDir: t.TempDir()}}
	want := func(state, said string) {
		t.Helper()
		err := k.unchanged(mistake{errors.New("its reason")})
		var wrong mistake
		if got := k.state(); got != state || !strings.Contains(err.Error(), said) ||
			!strings.Contains(err.Error(), "its reason") || !errors.As(err, &wrong) {
			t.Errorf("the database is %s (%v), want %s and %q", got, err, state, said)
		}
		if half := state == "half"; half == strings.Contains(err.Error(), "nothing was changed") {
			t.Errorf("the database is %s, and a restore says %q", state, err)
		}
	}
	want("whole", "nothing was changed")
	k.restores.Add(1)
	want("restoring", "nothing was changed")
	k.restores.Add(-1)
	if err := k.setMark(restoringMark, mark{Time: time.Now(), Backup: "b", At: "0-1-5"}); err != nil {
		t.Fatal(err)
	}
	want("half", "still half restored")
	if err := os.WriteFile(filepath.Join(k.cfg.WorkDir, restoringMark), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	want("half", "still half restored") // nobody knows
	if err := os.Remove(filepath.Join(k.cfg.WorkDir, restoringMark)); err != nil {
		t.Fatal(err)
	}
	complete := mark{Time: time.Date(2026, 11, 27, 7, 0, 0, 5, time.UTC), At: "0-1-5"}
	if err := k.setMark(restoredMark, complete); err != nil {
		t.Fatal(err)
	}
	want("whole 2026-11-27T07:00:00.000000005Z", "nothing was changed")
}

// TestRestoresThatChangeNothingSaySo refuses a time and a backup, with no database there.
func TestRestoresThatChangeNothingSaySo(t *testing.T) {
	t.Parallel()
	k := mustKeep(t, nil, "127.0.0.1:1")
	for _, args := range [][]string{{"restore"}, {"restore", "2000-01-01T00:00:00Z"}, {"restore", "tomorrow"}} {
		if _, err := k.command(args...); err == nil || !strings.Contains(err.Error(), "nothing was changed") {
			t.Errorf("%q: %v", args, err)
		}
	}
	if state := k.must(t, "state"); state != "whole\n" {
		t.Errorf("the database is %q", state)
	}
}
