package store

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/woodytoys/woodytoys/api/slots"
)

// queue holds calls that wait to be carried out together. Few workers carry them out; one that is free takes all that
// wait, so that many calls share what each would pay for: a commit, or a node's catching up. A call that comes while a
// worker is free waits for no company.
type queue[T comparable] struct {
	maxWorkers int
	maxGroup   int

	mu      sync.Mutex
	waiting []T
	workers int
}

func newQueue[T comparable](maxWorkers, maxGroup int) queue[T] {
	return queue[T]{maxWorkers: maxWorkers, maxGroup: maxGroup}
}

// begin makes the caller a worker, and reports whether it could: fewer than maxWorkers work. Nothing waits then.
func (q *queue[T]) begin() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.workers == q.maxWorkers {
		return false
	}
	q.workers++
	return true
}

// add queues a call, and reports whether the caller must start a worker for it.
func (q *queue[T]) add(c T) (worker bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, c)
	if q.workers == q.maxWorkers {
		return false
	}
	q.workers++
	return true
}

// goOn reports whether a worker is still needed. One that is not counts as ended.
func (q *queue[T]) goOn() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		q.workers--
		return false
	}
	return true
}

// take returns the next group: not nil, and empty when those that waited have left, or another worker has them.
func (q *queue[T]) take() []T { return q.takeWhile(func(T) bool { return true }) }

// takeWhile returns the same, and ends the group before the first call that does not fit, unless the group begins
// with it.
func (q *queue[T]) takeWhile(fits func(c T) bool) []T {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for n < min(len(q.waiting), q.maxGroup) && (fits(q.waiting[n]) || n == 0) {
		n++
	}
	group := append([]T{}, q.waiting[:n]...)
	q.waiting = slices.Delete(q.waiting, 0, n)
	return group
}

// giveBack queues calls again, before all others.
func (q *queue[T]) giveBack(group []T) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = slices.Concat(group, q.waiting)
}

// leave takes a call back, and reports whether it could: no worker had taken it yet.
func (q *queue[T]) leave(c T) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	before := len(q.waiting)
	q.waiting = slices.DeleteFunc(q.waiting, func(other T) bool { return other == c })
	return len(q.waiting) < before
}

// wait returns nil when a call is done. When its context ends, or it has waited for so long, it is taken back: wait
// returns an error, which is Busy for the second. It returns nil where a worker had taken the call already.
func (q *queue[T]) wait(ctx context.Context, c T, done <-chan struct{}, timeout time.Duration) error {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	var err error
	select {
	case <-done:
		return nil
	case <-timer.C:
		err = noConnection(slots.ErrBusy)
	case <-ctx.Done():
		err = ctx.Err()
	}
	if q.leave(c) {
		return err
	}
	return nil
}

// first returns the call that has waited longest, if any waits.
func (q *queue[T]) first() (c T, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		return c, false
	}
	return q.waiting[0], true
}

// len returns how many calls wait.
func (q *queue[T]) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}
