package cluster

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// mustWatch returns a watch that has not begun, and notes its calls in called: "moved" and "left".
func mustWatch(t *testing.T, ledger *fakeLedger) (w *watch, called *[]string, stop func()) {
	p, stop := newPart(t, ledger)
	w, called = newWatch(p, &lease{}, newGate(p)), new([]string)
	w.moved = func() { *called = append(*called, "moved") }
	w.left = func([]Record) { *called = append(*called, "left") }
	w.lease.begin()
	w.lease.extendRedis(int64(time.Hour))
	return w, called, stop
}

// TestWatchLearns checks that the gate is shut by another epoch, before anybody is told of it, and not by the first
// that is read.
func TestWatchLearns(t *testing.T) {
	ledger := &fakeLedger{state: State{Epoch: 7}}
	w, called, _ := mustWatch(t, ledger)
	w.read()
	if state, known := w.current(); state.Epoch != 7 || !known || w.gate.until != 0 {
		t.Errorf("at first: %+v, %v, the gate is shut until %d; want epoch 7 and an open gate",
			state, known, w.gate.until)
	}
	w.moved = func() {
		if w.gate.until == 0 {
			t.Error("the gate was open when the epoch had moved")
		}
		*called = append(*called, "moved")
	}
	ledger.state.Epoch = 8
	ledger.records = []Record{{ID: 1}}
	w.read()
	w.read()
	if !slices.Equal(*called, []string{"moved", "moved", "left", "left"}) {
		t.Errorf("called %v, want each epoch once and the records each time", *called)
	}
}

// TestWatchLearnsBesideAnError checks that an epoch which came with an error, since the records did not, is learnt, and
// that the reading is neither a contact nor silence.
func TestWatchLearnsBesideAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := &fakeLedger{state: State{Epoch: 7}}
		w, called, _ := mustWatch(t, ledger)
		w.read()
		until := w.lease.until.Load()
		ledger.state.Epoch, ledger.partly, ledger.err = 8, true, errors.New("the records come too late")
		for range 2 * silentFor {
			time.Sleep(w.Lease)
			w.read()
		}
		state, known := w.current()
		if state.Epoch != 8 || !known || len(*called) != 2 || w.lease.until.Load() != until {
			t.Errorf("at epoch %d, known is %t, called %v, the lease ends %v later; want epoch 8, and no contact",
				state.Epoch, known, *called, time.Duration(w.lease.until.Load()-until))
		}
	})
}

// TestWatchContacts checks which readings let this replica answer from its caches, and that they count from when they
// were begun.
func TestWatchContacts(t *testing.T) {
	for _, row := range []struct {
		what  string
		known bool
		err   error
		holds bool
	}{
		{"it answers", false, nil, true},
		{"it goes on being unreachable, and the epoch is known", true, ErrUnreachable, true},
		{"it is unreachable, and the epoch is not known", false, ErrUnreachable, false},
		{"it is there, with an error", true, errors.New("no such table"), false},
	} {
		synctest.Test(t, func(t *testing.T) {
			w, _, _ := mustWatch(t, &fakeLedger{err: row.err})
			w.known = row.known
			time.Sleep(time.Hour / 2)
			w.read()
			time.Sleep(w.Lease / 2)
			asked := w.Now()
			w.read()
			if got := w.lease.until.Load(); row.holds && got != asked+w.usable() || !row.holds && got != 0 {
				t.Errorf("%s: the lease holds until %d, asked at %d", row.what, got, asked)
			}
		})
	}
}

// TestBump checks how long a bumped epoch takes to be known everywhere, and when that is unknown.
func TestBump(t *testing.T) {
	const lease = time.Second
	for _, row := range []struct {
		what      string
		from, to  time.Duration // the database is unreachable
		took      time.Duration
		confirmed bool
	}{
		{"the database is there", 0, 0, lease, true},
		{"it is unreachable for a moment", lease / 2, lease * 3 / 4, 2 * lease, true},
		{"it is unreachable at the end of the first lease", lease * 3 / 4, lease * 3 / 2, 3 * lease, true},
		{"it does not come back", lease / 2, time.Hour, 3 * lease, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			ledger := &fakeLedger{state: State{Epoch: 1}}
			w, _, stop := mustWatch(t, ledger)
			time.Sleep(lease) // zero stands for never
			w.tasks.Go(w.run)
			defer w.tasks.Wait()
			defer stop()
			time.Sleep(time.Millisecond) // and it has been read
			bumped, err := w.bump(State{})
			if state, _ := w.current(); err != nil || bumped.Epoch != 2 || state != bumped {
				t.Fatalf("%s: bumped to %+v, %v; known is %+v", row.what, bumped, err, state)
			}
			began := time.Now()
			if row.to > 0 {
				time.AfterFunc(row.from, func() { ledger.fail(ErrUnreachable) })
				time.AfterFunc(row.to, func() { ledger.fail(nil) })
			}
			_, err = w.awaitBumped(bumped)
			if took := time.Since(began); took != row.took || (err == nil) != row.confirmed ||
				err != nil && !errors.Is(err, ErrUnconfirmed) {
				t.Errorf("%s: %v after %v; want confirmed %v after %v", row.what, err, took, row.confirmed, row.took)
			}
		})
	}
}
