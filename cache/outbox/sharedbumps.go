package outbox

import (
	"sync"
	"time"

	"github.com/woodytoys/woodytoys/cache/internal/handover"
	"github.com/woodytoys/woodytoys/cache/ledger"
)

// sharedBumps has one bump of the epoch serve all writes that ask for one before it is made. The zero value is ready.
type sharedBumps struct {
	mu   sync.Mutex
	next *sharedBump // which has not begun; nil if nobody asks
	pace handover.Pace
	rest time.Time // before then the next does not begin
}

// sharedBump is a bump, and the wait for it.
type sharedBump struct {
	done  chan struct{}
	state ledger.State // read after done, as err
	err   error
}

// after returns what bump does, called once for all, after after was.
func (b *sharedBumps) after(lease time.Duration, bump func(made func(ledger.State)) (ledger.State, error)) (
	ledger.State, error) {
	b.mu.Lock()
	next := b.next
	if next == nil {
		next = &sharedBump{done: make(chan struct{})}
		b.next = next
		go b.run(next, lease, bump)
	}
	b.mu.Unlock()
	<-next.done
	return next.state, next.err
}

func (b *sharedBumps) run(next *sharedBump, lease time.Duration,
	bump func(made func(ledger.State)) (ledger.State, error)) {
	defer close(next.done)
	for rest := b.begin(lease); rest > 0; rest = b.begin(lease) {
		time.Sleep(rest)
	}
	next.state, next.err = bump(func(made ledger.State) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.rest = time.Now().Add(b.pace.Pause(made.Epoch, lease))
	})
}

// begin begins the next bump, or returns how long to wait before it may begin.
func (b *sharedBumps) begin(lease time.Duration) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if rest := time.Until(b.rest); rest > 0 {
		return rest
	}
	b.next, b.rest = nil, time.Now().Add(lease/4)
	return 0
}
