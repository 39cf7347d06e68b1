package cluster

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestGate checks that a write waits for what was shut before it came, and for nothing that is shut while it waits.
func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		g := &gate{now: func() int64 { return int64(time.Since(began)) }, lease: time.Second}
		if g.await(func() {}); time.Since(began) != 0 {
			t.Errorf("a gate that was never shut was waited for, %v", time.Since(began))
		}
		g.shut()
		time.AfterFunc(400*time.Millisecond, g.shut)
		if g.await(func() {}); time.Since(began) != time.Second {
			t.Errorf("the first write waited %v, want one lease", time.Since(began))
		}
		if g.await(func() {}); time.Since(began) != 1400*time.Millisecond {
			t.Errorf("the second write waited until %v, want a lease from when the gate was shut last",
				time.Since(began))
		}
	})
}

// TestAGateThatNobodyWaitsFor checks that readings open the gate too, a lease after it was shut: an outage that comes
// later keeps no write waiting that comes after it.
func TestAGateThatNobodyWaitsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := &fakeLedger{state: State{Epoch: 1}}
		w, _, stop := mustWatch(t, ledger)
		w.tasks.Go(w.run)
		defer w.tasks.Wait()
		defer stop()
		time.Sleep(w.Lease)
		w.gate.shut()
		time.Sleep(2 * w.Lease)
		ledger.fail(ErrUnreachable)
		time.Sleep(w.Lease)
		ledger.fail(nil)
		time.Sleep(w.Lease)
		began := time.Now()
		if err := w.passGate(); err != nil || time.Since(began) != 0 {
			t.Errorf("%v after %v, want a gate that is open", err, time.Since(began))
		}
	})
}
