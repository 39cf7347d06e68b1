// Package slots bounds how many may work at once and how long the others may wait for their turn.
package slots

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// ErrBusy is returned by Acquire when no slot came free within the wait.
var ErrBusy = errors.New("no slot came free in time")

// Slots is a fixed number of places. The zero value is not usable; New makes one.
type Slots struct {
	places  chan struct{}
	wait    time.Duration
	waiting atomic.Int64
}

// New returns n slots (at least one) for which a caller waits no longer than wait.
// A wait of zero or less means not at all.
func New(n int, wait time.Duration) *Slots {
	return &Slots{places: make(chan struct{}, max(n, 1)), wait: wait}
}

// Acquire takes a slot, which the caller gives back with Release. It returns ErrBusy when the
// wait is over and ctx.Err() when the context ends first; then there is nothing to release.
func (s *Slots) Acquire(ctx context.Context) error {
	select {
	case s.places <- struct{}{}:
		return nil
	default:
	}
	if s.wait <= 0 {
		return ErrBusy
	}
	s.waiting.Add(1)
	defer s.waiting.Add(-1)
	timer := time.NewTimer(s.wait)
	defer timer.Stop()
	select {
	case s.places <- struct{}{}:
		return nil
	case <-timer.C:
		return ErrBusy
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Release gives a slot back. It must follow an Acquire that returned nil, once.
func (s *Slots) Release() { <-s.places }

// InUse returns how many slots are taken.
func (s *Slots) InUse() int { return len(s.places) }

// Size returns how many slots there are.
func (s *Slots) Size() int { return cap(s.places) }

// Waiting returns how many callers wait for a slot.
func (s *Slots) Waiting() int { return int(s.waiting.Load()) }
