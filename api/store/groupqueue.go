package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/woodytoys/woodytoys/api/callers"
	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/api/slots"
)

// groupQueue holds work that waits for a transaction, which many callers share, with its commit and its invalidation:
// group commit. Who came first is taken first.
type groupQueue[T joined] struct {
	queue[T]
	// pace is how long after a transaction was begun the next one may: each makes what caches keep wrong.
	pace time.Duration
	next time.Time // when the next transaction may begin; under queue.mu
}

// joined is work in a groupQueue.
type joined interface {
	comparable
	base() *waiter
}

// waiter is what all such work has.
type waiter struct {
	ctx  context.Context // the caller's, for Config.Follow
	err  error
	node string        // the database's that replied; empty for none
	done chan struct{} // closed when the outcome, or the error, is there
}

func newWaiter(ctx context.Context) waiter { return waiter{ctx: ctx, done: make(chan struct{})} }

func (w *waiter) base() *waiter { return w }

// together takes a group of what waits with take, and passes it to do in one transaction, once there is a connection.
// The error that settle returns is everyone's.
func together[T joined](
	s *Store, q *groupQueue[T], take func() []T,
	do func(ctx context.Context, tx *sql.Tx, group *[]T) (tags []string, err error),
) (group []T, settle func() error) {
	var node string
	ctx := shop.NoteDatabase(groupContext(s, q), func(name string) { node = name })
	settle = s.commit(ctx, s.writes, func(ctx context.Context, tx *sql.Tx) ([]string, error) {
		if group == nil {
			group = take()
		}
		return do(ctx, tx, &group)
	})
	// Without a connection, whoever has waited too long leaves; without a database each gets its error.
	if group == nil && !errors.Is(settle(), slots.ErrBusy) {
		group = q.take()
	}
	for _, work := range group {
		work.base().node = node
	}
	return group, settle
}

// await waits for the outcome of work in a queue. Its error is the work's, or that of a wait that is over before the
// work was taken into a transaction.
func await[T joined](ctx context.Context, s *Store, q *groupQueue[T], work T) error {
	w := work.base()
	if err := q.wait(ctx, work, w.done, s.wait); err != nil {
		return err
	}
	begun, cancel := callers.Begun(ctx)
	defer cancel()
	again := time.NewTicker(s.wait)
	defer again.Stop()
	for { // it is done, or in a transaction already: wait for the outcome
		select {
		case <-w.done:
			shop.RepliedBy(ctx, w.node)
			return w.err
		case <-again.C: // the worker may have given it back
			if q.leave(work) {
				return noConnection(slots.ErrBusy)
			}
		case <-begun.Done():
			return &shop.Error{
				Kind: shop.Uncertain, Err: begun.Err(), Detail: "This replica is ending. " + shop.MayBeDone,
			}
		}
	}
}

// run does what waits until nothing does: together does a group of it. While one group is settled, the next is done.
func (q *groupQueue[T]) run(together func() (group []T, settle func() error)) {
	for q.goOn() {
		time.Sleep(q.untilNext())
		group, settle := together()
		go func() {
			err := settle()
			for _, work := range group {
				w := work.base()
				if w.err == nil || err != nil && !stands(w.err, err) {
					w.err = err
				}
				close(w.done)
			}
		}()
	}
}

// stands reports whether work was rightly refused by a transaction that ended with an error. What one refused that has
// failed was read for nothing, and the first use of a key may have been in it; one that may be committed refused
// rightly, as far as is known.
func stands(refused, ended error) bool {
	return shop.KindOf(ended) == shop.Uncertain && !errors.Is(refused, errKeyUsed)
}

// untilNext returns how long to wait before a transaction is begun, which is the last one then.
func (q *groupQueue[T]) untilNext() time.Duration {
	if q.pace == 0 {
		return 0
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	wait := max(time.Until(q.next), 0)
	q.next = time.Now().Add(wait + q.pace)
	return wait
}

// groupContext returns the context of the next group. Where the store is followed it has the values of the first one's
// caller: what is done for the group is a part of what is done for that caller.
func groupContext[T joined](s *Store, q *groupQueue[T]) context.Context {
	if !s.followed {
		return context.Background()
	}
	first, ok := q.first()
	if !ok {
		return context.Background()
	}
	return callers.Carry(context.Background(), first.base().ctx)
}
