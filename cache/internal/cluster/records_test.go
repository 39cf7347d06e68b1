package cluster

import (
	"slices"
	"testing"
	"testing/synctest"
)

// TestRecords checks that a record is carried out once at a time, and removed after it, at the latest when the replica
// closes; but not if it was by a bump that the database has lost.
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
		r.finish(carriedOut{id: 7})
		r.finish(carriedOut{id: 8, bump: "lost"})
		cancel()
		p.tasks.Wait()
		if slices.Sort(ledger.removed); !slices.Equal(ledger.removed, []int64{7}) {
			t.Errorf("removed %v, want the one that no lost bump carried out", ledger.removed)
		}
		if !r.claim(7) || !r.claim(8) {
			t.Error("a record that was removed counts as carried out here still")
		}
	})
}
