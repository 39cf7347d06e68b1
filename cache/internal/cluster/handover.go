package cluster

import (
	"context"
	"sync"
	"time"

	"github.com/woodytoys/woodytoys/cache/internal/broken"
)

// HandOvers is how a replica that cannot reach Redis has its writes carried out by one that can: it makes a record in
// the ledger, which others find at their next beat, and waits until one of them has carried it out. The zero value is
// ready.
type HandOvers struct {
	mu    sync.Mutex
	alone time.Time // until then nothing is handed over: nobody took what was
}

const (
	// aloneLeases is for how many leases nothing is handed over after nobody has taken what was.
	aloneLeases = 5
	// takenLeases is how many leases a record may take that was taken: one for members that do not acknowledge, one for
	// the gate, and one more.
	takenLeases = 3
)

// takenWithin is how long a record may wait for a replica with a session to take it: a bit more than two beats.
func takenWithin(lease time.Duration) time.Duration { return lease / 2 }

// Try hands tags over, and reports whether another replica has carried them out: then its announcement was
// acknowledged. Where nobody takes the record, it seems that nobody can reach Redis, and for some leases Try does not
// try.
func (h *HandOvers) Try(ctx context.Context, ledger Ledger, lease time.Duration, tags []string) bool {
	h.mu.Lock()
	alone := time.Now().Before(h.alone)
	h.mu.Unlock()
	if alone {
		return false
	}
	progress := handOver(ctx, ledger, lease, tags)
	if progress == Waiting {
		h.mu.Lock()
		h.alone = time.Now().Add(aloneLeases * lease)
		h.mu.Unlock()
	}
	return progress == CarriedOut
}

// handOver returns how far a record has come when it has come no further in time.
func handOver(ctx context.Context, ledger Ledger, lease time.Duration, tags []string) Progress {
	ctx, cancel := context.WithTimeout(ctx, (takenLeases+1)*lease)
	defer cancel()
	record, err := ledger.HandOver(ctx, tags)
	if err != nil {
		return Waiting
	}
	defer withdraw(ctx, ledger, lease, record)
	progress, until := Waiting, time.Now().Add(takenWithin(lease))
	for ctx.Err() == nil && time.Now().Before(until) {
		sleep(ctx, lease/50)
		next, err := ledger.Progress(ctx, record)
		switch {
		case err != nil: // the database may be there again soon; or it has lost the record, and nobody takes it
		case next == CarriedOut, next == Taken && broken.HandOver:
			return CarriedOut
		case next == Taken && progress == Waiting:
			progress, until = Taken, time.Now().Add(takenLeases*lease)
		}
	}
	return progress
}

// withdraw forgets a record that was carried out, or for which the epoch is to be bumped. One that stays is carried out
// once more: that does no harm.
func withdraw(ctx context.Context, ledger Ledger, lease time.Duration, record Record) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lease/4)
	defer cancel()
	_ = ledger.Withdraw(ctx, record)
}
