package cluster

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestTheGateAndAnOutage checks that the gate opens after a lease through which the database was there, as far as
// readings show, and that this is asked once for each time it was shut.
func TestTheGateAndAnOutage(t *testing.T) {
	const lease = time.Second
	for _, row := range []struct {
		what     string
		from, to time.Duration // readings fail
		err      error
		took     time.Duration
	}{
		{"the database is there", 0, 0, nil, lease},
		{"it is unreachable for a moment", lease / 4, lease / 2, ErrUnreachable, 2 * lease},
		{"it does not answer this replica, to the end", lease / 4, 5 * lease / 4, context.DeadlineExceeded, 3 * lease},
	} {
		synctest.Test(t, func(t *testing.T) {
			ledger := &fakeLedger{state: State{Epoch: 1}}
			w, _, stop := mustWatch(t, ledger)
			time.Sleep(lease)
			w.tasks.Go(w.run)
			defer w.tasks.Wait()
			defer stop()
			time.Sleep(time.Millisecond) // and it has been read
			w.gate.shut()
			began := time.Now()
			if row.to > 0 {
				time.AfterFunc(row.from, func() { ledger.fail(row.err) })
				time.AfterFunc(row.to, func() { ledger.fail(nil) })
			}
			for range 2 {
				if err := w.passGate(); err != nil || time.Since(began) != row.took {
					t.Errorf("%s: %v after %v, want an open gate after %v", row.what, err, time.Since(began), row.took)
				}
			}
		})
	}
}
