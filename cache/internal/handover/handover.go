// Package handover is what writers of one database do who cannot reach Redis: they hand a write over to a replica that
// can, and else bump the epoch and wait until every replica has read it.
package handover

import (
	"context"
	"sync"
	"time"

	"github.com/woodytoys/woodytoys/cache/internal/broken"
	"github.com/woodytoys/woodytoys/cache/ledger"
)

// HandOvers is how a replica that cannot reach Redis has its writes carried out by one that can: it makes a record in
// the ledger, which others find at their next beat, and waits until one of them has carried it out. The zero value is
// ready.
type HandOvers struct {
	mu    sync.Mutex
	alone time.Time // no hand-over is tried before then, since nobody took the last one
}

const (
	// AloneLeases is for how many leases nothing is handed over after nobody has taken what was.
	AloneLeases = 5
	// TakenLeases is how many leases a record may take that was taken: one for members that do not acknowledge, one for
	// the gate, and one more.
	TakenLeases = 3
)

// TakenWithin returns how long a record may wait for a replica with a session to take it: a bit more than two beats.
func TakenWithin(lease time.Duration) time.Duration { return lease / 2 }

// Try hands tags over, and reports whether another replica has carried them out: then its announcement was
// acknowledged. Where nobody takes the record, it seems that nobody can reach Redis, and for some leases Try does not
// try.
func (h *HandOvers) Try(ctx context.Context, l ledger.Ledger, lease time.Duration, tags []string) bool {
	h.mu.Lock()
	alone := time.Now().Before(h.alone)
	h.mu.Unlock()
	if alone {
		return false
	}
	progress := handOver(ctx, l, lease, tags)
	if progress == ledger.Waiting {
		h.mu.Lock()
		h.alone = time.Now().Add(AloneLeases * lease)
		h.mu.Unlock()
	}
	return progress == ledger.CarriedOut
}

// handOver returns how far a record has come when it has come no further in time.
func handOver(ctx context.Context, l ledger.Ledger, lease time.Duration, tags []string) ledger.Progress {
	ctx, cancel := context.WithTimeout(ctx, (TakenLeases+1)*lease)
	defer cancel()
	record, err := l.HandOver(ctx, tags)
	if err != nil {
		return ledger.Waiting
	}
	defer withdraw(ctx, l, lease, record)
	progress, until := ledger.Waiting, time.Now().Add(TakenWithin(lease))
	for ctx.Err() == nil && time.Now().Before(until) {
		select {
		case <-ctx.Done():
		case <-time.After(lease / 50):
		}
		next, err := l.Progress(ctx, record)
		switch {
		case err != nil: // the database may be there again soon; or it has lost the record, and nobody takes it
		case next == ledger.CarriedOut, next == ledger.Taken && broken.HandOver:
			return ledger.CarriedOut
		case next == ledger.Taken && progress == ledger.Waiting:
			progress, until = ledger.Taken, time.Now().Add(TakenLeases*lease)
		}
	}
	return progress
}

// withdraw forgets a record that was carried out, or for which the epoch is to be bumped. One that stays is carried out
// once more: that does no harm.
func withdraw(ctx context.Context, l ledger.Ledger, lease time.Duration, record ledger.Record) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lease/4)
	defer cancel()
	_ = l.Withdraw(ctx, record)
}
