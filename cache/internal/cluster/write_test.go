package cluster

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// mustCutOff returns a replica that is cut off from Redis, with what ends it.
func mustCutOff(t *testing.T, ledger *fakeLedger) (n *Node, end func()) {
	p, cancel := newPart(t, ledger)
	n = newNode(p)
	n.cancel = cancel
	n.members.away.Store(true)
	for _, run := range []func(){n.watch.run, n.writes.run, n.records.run} {
		n.tasks.Go(run)
	}
	time.Sleep(n.Lease) // zero stands for never
	return n, n.Close
}

// TestAWriteWithoutRedis checks that a write which Redis cannot be told of bumps the epoch, waits for a lease, and has
// its record removed.
func TestAWriteWithoutRedis(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := &fakeLedger{state: State{Epoch: 1}}
		n, end := mustCutOff(t, ledger)
		began := time.Now()
		want := takenWithin(n.Lease) + n.Lease // nobody takes it
		if err := n.Settle(context.Background(), 7, []string{"toy:7"}); err != nil || time.Since(began) != want {
			t.Errorf("%v after %v, want it acknowledged after %v", err, time.Since(began), want)
		}
		end()
		if ledger.state.Epoch != 2 || !slices.Equal(ledger.removed, []int64{7}) {
			t.Errorf("epoch %d, removed %v; want 2 and the record", ledger.state.Epoch, ledger.removed)
		}
		if err := n.Settle(context.Background(), 8, []string{"toy:7"}); !errors.Is(err, errClosed) {
			t.Errorf("a write after the end: %v, want it refused", err)
		}
	})
}

// TestWritesShareABump checks that writes which come while one is announced go together after it.
func TestWritesShareABump(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := &fakeLedger{state: State{Epoch: 1}}
		n, end := mustCutOff(t, ledger)
		var group sync.WaitGroup
		for range 50 {
			group.Go(func() {
				if err := n.Settle(context.Background(), 0, []string{"toy:7"}); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		end()
		if ledger.state.Epoch > 3 {
			t.Errorf("50 writes at once bumped the epoch to %d, want 3 at most", ledger.state.Epoch)
		}
	})
}

// TestAWriteThatNobodyCanBeToldOf checks that a write is not acknowledged when neither Redis nor the database is there,
// and that its record is left.
func TestAWriteThatNobodyCanBeToldOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := &fakeLedger{state: State{Epoch: 1}}
		n, end := mustCutOff(t, ledger)
		ledger.fail(ErrUnreachable)
		if err := n.Settle(context.Background(), 7, []string{"toy:7"}); err == nil {
			t.Error("it was acknowledged")
		}
		end()
		if len(ledger.removed) > 0 || !n.records.claim(7) {
			t.Errorf("removed %v, want the record left for others", ledger.removed)
		}
	})
}

// TestWhatTheDeadLeft checks that a replica carries out what is in the outbox only when it can tell Redis.
func TestWhatTheDeadLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := &fakeLedger{state: State{Epoch: 1}, records: []Record{{ID: 7, Tags: []string{"toy:7"}}}}
		n, end := mustCutOff(t, ledger)
		time.Sleep(5 * n.Lease)
		end()
		if ledger.state.Epoch != 1 || len(ledger.removed) > 0 {
			t.Errorf("epoch %d, removed %v; want it left to others", ledger.state.Epoch, ledger.removed)
		}
	})
}
