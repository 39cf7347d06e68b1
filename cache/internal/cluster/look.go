package cluster

import (
	"context"
	"fmt"
	"sync"
)

// looks is the last look of each write: once a write has been announced, the epoch is read in the database again. One
// look serves every write that was announced before it was sent, and one is under way at a time, so that looks are as
// rare as batches.
type looks struct {
	part

	mu      sync.Mutex
	looking bool
	next    *look // to be sent when the one under way is back
}

// look is one reading of the epoch.
type look struct {
	done  chan struct{}
	state State // read after done, as is err
	err   error
}

// begin returns a look that is sent after it was called.
func (l *looks) begin() *look {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.next == nil {
		l.next = &look{done: make(chan struct{})}
	}
	if !l.looking {
		l.looking = true
		l.tasks.Go(l.run)
	}
	return l.next
}

// run sends look after look, until nobody asks for another.
func (l *looks) run() {
	for next := l.take(); next != nil; next = l.take() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(l.ctx), l.Lease/2)
		next.state, next.err = l.Ledger.Look(ctx)
		cancel()
		close(next.done)
	}
}

func (l *looks) take() *look {
	l.mu.Lock()
	defer l.mu.Unlock()
	next := l.next
	l.next, l.looking = nil, next != nil
	return next
}

// await returns what a look found, or another that is sent later: it tries for a lease. An error means that nobody can
// show whether the epoch has moved.
func (l *looks) await(first *look) (State, error) {
	until := l.Now() + int64(l.Lease)
	for next := first; ; next = l.begin() {
		<-next.done
		switch {
		case next.err == nil:
			return next.state, nil
		case l.ctx.Err() != nil:
			return State{}, errClosed
		case l.Now() >= until:
			return State{}, fmt.Errorf(
				"cache: a write was announced, the database does not say in which epoch: %w", next.err)
		}
		sleep(l.ctx, l.Lease/20)
	}
}
