package oracle_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/woodytoys/woodytoys/internal/oracle"
)

func state(version int64, content string) oracle.State {
	return oracle.State{Version: version, Content: content}
}

func TestJudge(t *testing.T) {
	var item oracle.Item
	item.Acknowledged(state(3, "c"))
	for _, c := range []struct {
		name   string
		answer oracle.State
		want   oracle.Verdict
	}{
		{"what was acknowledged", state(3, "c"), oracle.Good},
		{"its version alone", state(3, ""), oracle.Good},
		{"what is not acknowledged yet, or never will be", state(4, "d"), oracle.Good},
		{"an older version", state(2, "b"), oracle.Stale},
		{"an older version with the newest content", state(2, "c"), oracle.Stale},
		{"the version with an older content", state(3, "b"), oracle.Wrong},
		{"nothing", oracle.State{}, oracle.Stale},
	} {
		if got := item.Judge(item.Floor(), c.answer); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		if got, want := item.Audit(c.answer), c.want != oracle.Good; (got == oracle.Lost) != want {
			t.Errorf("audit of %s: %v, want lost: %t", c.name, got, want)
		}
	}
}

// TestAReadThatBeganBeforeMayBeOld checks that what counts is what was acknowledged when the read began, not when it
// ended.
func TestAReadThatBeganBeforeMayBeOld(t *testing.T) {
	var item oracle.Item
	item.Acknowledged(state(1, "a"))
	before := item.Floor()
	item.Acknowledged(state(2, "b"))
	for _, answer := range []oracle.State{state(1, "a"), state(2, "b")} {
		if got := item.Judge(before, answer); got != oracle.Good {
			t.Errorf("a read that began before, answered %v: %v, want good", answer, got)
		}
	}
	if got := item.Judge(item.Floor(), state(1, "a")); got != oracle.Stale {
		t.Errorf("a read that began afterwards: %v, want stale", got)
	}
}

// TestAcknowledgementsOutOfOrder checks that the floor is right when the later one of two writes is acknowledged first.
func TestAcknowledgementsOutOfOrder(t *testing.T) {
	var item oracle.Item
	for _, made := range []oracle.State{state(3, "c"), state(2, "b"), state(3, "c")} {
		if got := item.Acknowledged(made); got != oracle.Good {
			t.Errorf("the acknowledgement of %v: %v, want good", made, got)
		}
		if got := item.Floor(); got != state(3, "c") {
			t.Errorf("after that of %v the floor is %v, want the newest that was acknowledged", made, got)
		}
	}
}

// TestTheFloorNeverSinks acknowledges writes of several writers at once, each of versions of its own, and checks that
// the floor never falls below one that was acknowledged.
func TestTheFloorNeverSinks(t *testing.T) {
	const writers = 4
	var item oracle.Item
	var group sync.WaitGroup
	for w := range int64(writers) {
		group.Go(func() {
			for version := w + 1; version < 200_000; version += writers {
				item.Acknowledged(state(version, ""))
				if got := item.Floor().Version; got < version {
					t.Errorf("floor %d, after %d was acknowledged", got, version)
					return
				}
			}
		})
	}
	group.Wait()
}

// TestALostUpdate checks that two writes that were acknowledged with the same version count as wrong.
func TestALostUpdate(t *testing.T) {
	var item oracle.Item
	item.Acknowledged(state(2, "b"))
	if got := item.Acknowledged(state(2, "other")); got != oracle.Wrong {
		t.Errorf("another content of the same version: %v, want wrong", got)
	}
}

// TestAnUnknownOutcome checks what is judged good after a write that failed, and was carried out, or will be, or
// neither.
func TestAnUnknownOutcome(t *testing.T) {
	var item oracle.Item
	item.Acknowledged(state(1, "a"))
	if version, ok := item.Next(); version != 2 || !ok {
		t.Errorf("next %d, %t; want 2", version, ok)
	}
	item.Unknown()
	for _, answer := range []oracle.State{state(1, "a"), state(2, "b"), state(1, "a")} {
		if got := item.Judge(item.Floor(), answer); got != oracle.Good {
			t.Errorf("%v: %v, want good", answer, got)
		}
		if got := item.Audit(answer); got != oracle.Good {
			t.Errorf("audit of %v: %v, want good", answer, got)
		}
	}
	if _, ok := item.Next(); ok {
		t.Error("the next version is known, though it is not known how a write ended")
	}
}

func TestDeletion(t *testing.T) {
	var item oracle.Item
	item.Acknowledged(state(1, "a"))
	verdicts := func(when string, there, absent oracle.Verdict) {
		t.Helper()
		floor := item.Floor()
		if got := item.Judge(floor, state(1, "a")); got != there {
			t.Errorf("%s, there: %v, want %v", when, got, there)
		}
		if got := item.Judge(floor, oracle.State{}); got != absent {
			t.Errorf("%s, absent: %v, want %v", when, got, absent)
		}
	}
	verdicts("before", oracle.Good, oracle.Stale)
	before := item.Floor()
	item.Deleting()
	if got := item.Judge(before, oracle.State{}); got != oracle.Good {
		t.Errorf("absent, when the deletion began during the read: %v, want good", got)
	}
	verdicts("while it goes on, or with nobody knowing how it ended", oracle.Good, oracle.Good)
	item.Deleted()
	verdicts("afterwards", oracle.Stale, oracle.Good)
	item.Acknowledged(state(2, "b")) // heard late, of a write before the deletion
	verdicts("after a late acknowledgement", oracle.Stale, oracle.Good)
}

// register is a system under the oracle: one row, and a cache of it. Without invalidation the cache stays old; with
// lose, a write is acknowledged and not made.
type register struct {
	mu         sync.Mutex
	row, kept  oracle.State
	lose       bool
	invalidate bool
}

func (r *register) write(content string) oracle.State {
	r.mu.Lock()
	defer r.mu.Unlock()
	made := state(r.row.Version+1, content)
	if !r.lose {
		r.row = made
	}
	if r.invalidate {
		r.kept = oracle.State{}
	}
	return made
}

func (r *register) read() oracle.State {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.kept.Version == 0 {
		r.kept = r.row
	}
	return r.kept
}

// under has writers, some of whose answers are lost, and readers call a register at once. It returns what they found.
func under(r *register) oracle.Sum {
	var item oracle.Item
	var findings oracle.Findings
	var group sync.WaitGroup
	read := func() {
		floor := item.Floor()
		answer := r.read()
		findings.Add(item.Judge(floor, answer), "%v, after %v", answer, floor)
	}
	item.Acknowledged(r.write("first"))
	read() // so that there is something kept
	for w := range 4 {
		group.Go(func() {
			for n := range 500 {
				made := r.write(fmt.Sprintf("%d of %d", n, w))
				if n%10 == 0 {
					item.Unknown()
					continue
				}
				findings.Add(item.Acknowledged(made), "acknowledged: %v", made)
			}
		})
		group.Go(func() {
			for range 500 {
				read()
			}
		})
	}
	group.Wait()
	read()
	findings.Add(item.Audit(r.row), "in the end there is %v", r.row)
	return findings.Sum()
}

func TestARightHistoryIsNotAccused(t *testing.T) {
	if found := under(&register{invalidate: true}); found.All() > 0 {
		t.Errorf("found %+v, want nothing", found)
	}
}

func TestWrongHistoriesAreFound(t *testing.T) {
	if found := under(&register{}); found.Stale == 0 || found.Wrong > 0 || found.Lost > 0 {
		t.Errorf("without invalidation: %d stale, %d wrong, %d lost; want stale ones alone",
			found.Stale, found.Wrong, found.Lost)
	}
	if found := under(&register{invalidate: true, lose: true}); found.Lost == 0 {
		t.Errorf("with writes that are not made: %d lost, want some", found.Lost)
	}
}
