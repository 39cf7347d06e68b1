package cluster

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// TestAWriteIsHandedOver checks when a write whose invalidation cannot reach Redis is acknowledged without a bump, and
// how long a replica waits for others before it bumps the epoch.
func TestAWriteIsHandedOver(t *testing.T) {
	const lease = time.Second
	lost := errors.New("no such record")
	for _, row := range []struct {
		what              string
		taken, carriedOut time.Duration // after it was handed over; zero for never
		err               error         // of Progress
		within            time.Duration // it is acknowledged
		bumps             int
	}{
		{"another replica carries it out", lease / 5, lease / 4, nil, lease / 2, 0},
		{"nobody sees it taken", 0, lease / 4, nil, lease / 2, 0},
		{"it waits for a member that is away", lease / 5, 2 * lease, nil, 5 * lease / 2, 0},
		{"nobody takes it", 0, 0, nil, 3 * lease / 2, 1},
		{"who takes it dies", lease / 5, 0, nil, 5 * lease, 1},
		{"the database loses it", 0, 0, lost, 3 * lease / 2, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			ledger := &fakeLedger{state: State{Epoch: 1}}
			n, end := mustCutOff(t, ledger)
			defer end()
			began := time.Now()
			ledger.progress = func(record Record) (Progress, error) {
				switch since := time.Since(began); {
				case !slices.Equal(record.Tags, []string{"toy:7"}):
					t.Errorf("%s: tags %v were handed over", row.what, record.Tags)
				case row.carriedOut > 0 && since >= row.carriedOut:
					return CarriedOut, nil
				case row.taken > 0 && since >= row.taken:
					return Taken, nil
				}
				return Waiting, row.err
			}
			err := n.Settle(context.Background(), 7, []string{"toy:7"})
			if took := time.Since(began); err != nil || took < row.carriedOut || took > row.within {
				t.Errorf("%s: %v after %v, want it acknowledged within %v", row.what, err, took, row.within)
			}
			if !slices.Equal(ledger.withdrawn, []int64{-1}) {
				t.Errorf("%s: withdrawn %v, want what was handed over", row.what, ledger.withdrawn)
			}
			if ledger.bumps != row.bumps {
				t.Errorf("%s: %d bumps, want %d", row.what, ledger.bumps, row.bumps)
			}
		})
	}
}

// TestNobodyHasRedis checks that a replica which finds that nobody takes what it hands over bumps the epoch without
// trying first, and tries again after some leases.
func TestNobodyHasRedis(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := &fakeLedger{state: State{Epoch: 1}}
		n, end := mustCutOff(t, ledger)
		defer end()
		settle := func() {
			t.Helper()
			if err := n.Settle(context.Background(), 0, []string{"toy:7"}); err != nil {
				t.Error(err)
			}
		}
		for range 3 {
			settle()
		}
		if ledger.handed != 1 || ledger.bumps != 3 {
			t.Errorf("3 writes: %d handed over, %d bumps; want 1 and 3", ledger.handed, ledger.bumps)
		}
		time.Sleep(aloneLeases * n.Lease)
		ledger.progress = func(Record) (Progress, error) { return CarriedOut, nil }
		settle()
		settle()
		if ledger.handed != 3 || ledger.bumps != 3 {
			t.Errorf("2 more, when others are back: %d handed over, %d bumps; want 3 and 3",
				ledger.handed, ledger.bumps)
		}
	})
}
