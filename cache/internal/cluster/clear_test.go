package cluster

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestClearBumps checks that a clear bumps the epoch and waits for a lease, by the database alone, and that replicas
// which close refuse it.
func TestClearBumps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := &fakeLedger{state: State{Epoch: 1}}
		n, end := mustCutOff(t, ledger)
		began := time.Now()
		err, epoch := n.Clear(t.Context()), ledger.get().Epoch
		if took := time.Since(began); err != nil || took != n.Lease || epoch != 2 || ledger.handed > 0 {
			t.Errorf("%v after %v, epoch %d, %d handed over; want epoch 2 after %v",
				err, took, epoch, ledger.handed, n.Lease)
		}
		end()
		if err := n.Clear(t.Context()); !errors.Is(err, errClosed) {
			t.Errorf("after the end: %v, want it refused", err)
		}
	})
}

// TestClearsShareABump checks that callers who come at once cost a bump or two, and that each of these is made after
// its callers came.
func TestClearsShareABump(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := &fakeLedger{state: State{Epoch: 1}}
		n, end := mustCutOff(t, ledger)
		var group sync.WaitGroup
		for i := range 50 {
			group.Go(func() {
				time.Sleep(time.Duration(i) * time.Millisecond)
				before := ledger.get().Epoch
				if err := n.Clear(t.Context()); err != nil || ledger.get().Epoch <= before {
					t.Errorf("%v, epoch %d after %d; want one that was bumped after it was called",
						err, ledger.get().Epoch, before)
				}
			})
		}
		group.Wait()
		end()
		if ledger.state.Epoch > 3 {
			t.Errorf("50 clears at once bumped the epoch to %d, want 3 at most", ledger.state.Epoch)
		}
	})
}

// TestAClearGoesOn checks that a caller who gives up is told so at once, and that a replica which closes waits for the
// bump that was asked for.
func TestAClearGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := &fakeLedger{state: State{Epoch: 1}}
		n, end := mustCutOff(t, ledger)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		began := time.Now()
		if err := n.Clear(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Millisecond {
			t.Errorf("%v after %v, want the deadline at once", err, time.Since(began))
		}
		end()
		if took := time.Since(began); ledger.state.Epoch != 2 || took < n.Lease {
			t.Errorf("closed after %v in epoch %d, want 2 after a lease", took, ledger.state.Epoch)
		}
	})
}

// TestAClearWithoutTheDatabase checks that nobody is told that all is cleared when it is not.
func TestAClearWithoutTheDatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := &fakeLedger{state: State{Epoch: 1}}
		n, end := mustCutOff(t, ledger)
		ledger.fail(ErrUnreachable)
		if err := n.Clear(t.Context()); !errors.Is(err, ErrUnreachable) {
			t.Errorf("%v, want that the database is unreachable", err)
		}
		ledger.fail(nil)
		time.Sleep(n.Lease)
		lost := time.AfterFunc(n.Lease/2, func() { ledger.fail(errors.New("lost")) })
		defer lost.Stop()
		if err := n.Clear(t.Context()); err == nil {
			t.Error("it is said to be known everywhere, though the database was lost before")
		}
		ledger.fail(nil)
		end()
	})
}
