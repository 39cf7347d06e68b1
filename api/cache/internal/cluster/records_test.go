package cluster

import (
	"slices"
	"testing"
	"testing/synctest"
)

// TestRecords holds that a record is carried out once at a time, and removed after it, at the latest when the replica
// closes.
func TestRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := &fakeLedger{}
		p, cancel := newPart(t, ledger)
		r := newRecords(p)
		p.tasks.Go(r.run)
		if !r.claim(7) || r.claim(7) {
			t.Error("a record is not claimed by the first alone")
		}
		if r.release(7); !r.claim(7) {
			t.Error("a record that was released cannot be claimed again")
		}
		r.claim(8)
		r.finish(7)
		r.finish(8)
		cancel()
		p.tasks.Wait()
		if slices.Sort(ledger.removed); !slices.Equal(ledger.removed, []int64{7, 8}) {
			t.Errorf("removed %v, want both", ledger.removed)
		}
		if !r.claim(7) || !r.claim(8) {
			t.Error("a record that was removed counts as carried out here still")
		}
	})
}
