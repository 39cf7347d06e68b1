package cluster

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestClosingLeavesToOthers checks that a replica which closes while it carries out what a dead writer left neither
// bumps the epoch for it nor waits.
func TestClosingLeavesToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := &fakeLedger{state: State{Epoch: 1}}
		n, end := mustCutOff(t, ledger)
		b := newBatch()
		b.add([]string{"toy:7"})
		n.cancel()
		began := time.Now()
		n.tasks.Go(func() { n.writes.carryOut(b) })
		end()
		if took := time.Since(began); took > n.Lease || ledger.handed > 0 || ledger.bumps > 0 {
			t.Errorf("after %v: %d handed over, %d bumps; want it left", took, ledger.handed, ledger.bumps)
		}
	})
}
