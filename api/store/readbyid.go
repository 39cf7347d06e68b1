package store

import (
	"context"
	"database/sql"
	"errors"
	"sync/atomic"
	"time"

	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/api/slots"
)

// byID reads rows by their ids. A read that comes while a worker is free is made at once, alone, by its caller. Those
// that come while all are at work are made together, by one statement of the next one that is free: they share its
// round trip, its proof that the server takes writes, and its node's catching up, which cost more than a row does.
//
// A read joins only a statement that has not been sent: a worker takes those that wait when it has a connection, and
// only then sends one. So all that was acknowledged before a read began was acknowledged before its statement was sent,
// and what holds of a statement (read.go, readers.go) holds for each read that shares it. Joining a statement under way
// would be wrong: the database may have read already.
type byID[K comparable, V any] struct {
	queue[*readCall[K, V]]
	from *readers
	wait time.Duration // for a worker with a connection
	rows readRows[K, V]
}

// readRows calls found for each of the rows that there are of some ids, which are K. It may be called again: what was
// found before does not count then.
type readRows[K comparable, V any] func(ctx context.Context, r *reading, ids []any, found func(K, V)) error

// readCall is a read that waits to be made with others.
type readCall[K comparable, V any] struct {
	ctx context.Context // the caller's
	id  K

	value V
	err   error // sql.ErrNoRows where there is no such row
	by    replier
	done  chan struct{} // closed when the row, or the error, is there
}

// replier is the database that replied.
type replier struct {
	name     string // empty for none
	readOnly bool   // it takes no writes
}

const (
	// maxReadWorkers is how many read from a server at a time: one while the other one's statement is under way, or
	// hears nothing. The fewer, the more share a statement: docs/figures.md has what that is worth.
	maxReadWorkers = 2
	maxReadGroup   = 64 // keeps statements short
)

// newByID returns what reads from readers. Rows of a file are read by this process, where sharing saves little, and
// statements are to use all of its processors: there only those share one who would wait for a connection.
func newByID[K comparable, V any](from *readers, wait time.Duration, rows readRows[K, V]) *byID[K, V] {
	workers := from.slots.Size()
	if from.link != nil {
		workers = min(workers, maxReadWorkers)
	}
	return &byID[K, V]{
		queue: newQueue[*readCall[K, V]](workers, maxReadGroup), from: from, wait: wait, rows: rows,
	}
}

// read returns the row of an id, or sql.ErrNoRows.
func (b *byID[K, V]) read(ctx context.Context, id K) (value V, err error) {
	if shop.WantsPrimary(ctx) && b.from.writer != nil {
		return b.alone(ctx, id)
	}
	if b.begin() {
		defer b.end()
		return b.alone(ctx, id)
	}
	c := &readCall[K, V]{ctx: ctx, id: id, done: make(chan struct{})}
	if b.add(c) {
		go b.work()
	}
	if err := b.queue.wait(ctx, c, c.done, b.wait); err != nil {
		return value, err
	}
	select {
	case <-c.done:
		return c.outcome()
	case <-ctx.Done():
		return value, ctx.Err()
	}
}

// alone reads one row.
func (b *byID[K, V]) alone(ctx context.Context, id K) (value V, err error) {
	there := false
	err = b.from.read(ctx, func(ctx context.Context, r *reading) error {
		there = false
		return b.rows(ctx, r, []any{id}, func(other K, found V) {
			if other == id {
				value, there = found, true
			}
		})
	})
	if err == nil && !there {
		err = sql.ErrNoRows
	}
	return value, err
}

// end ends the work of a caller who read alone: a worker goes on in its place if others wait.
func (b *byID[K, V]) end() {
	if b.goOn() {
		go b.work()
	}
}

// work reads what waits until nothing does.
func (b *byID[K, V]) work() {
	for b.goOn() {
		b.together()
	}
}

// together reads what waits, once there is a connection, in a context of its own: no caller's end is another's.
func (b *byID[K, V]) together() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var by replier
	ctx = shop.NoteDatabase(ctx, func(name string) { by.name = name })
	ctx = shop.AcceptReadOnly(ctx, func() { by.readOnly = true }) // each caller decides for himself, see outcome
	unwatch := func() {}
	defer func() { unwatch() }()
	var group []*readCall[K, V]
	var taken time.Time
	var callers []context.Context
	var ids []any
	values := map[K]V{}
	err := b.from.read(ctx, func(ctx context.Context, r *reading) error {
		if group == nil {
			group, taken = b.take(), time.Now() // nobody joins from here on
			ids, callers = split(group)
			unwatch = whenAllEnd(callers, cancel)
		}
		if len(group) == 0 {
			return nil // they have left
		}
		r.beganAt(taken) // who came last may have come after this connection was begun
		clear(values)
		return b.rows(onBehalfOf(ctx, callers), r, ids, func(id K, value V) { values[id] = value })
	})
	// Without a connection each caller's own wait ends when it is too long; without a database all get the error.
	if group == nil && !errors.Is(err, slots.ErrBusy) {
		group = b.take()
	}
	for _, c := range group {
		value, there := values[c.id]
		if c.value, c.err, c.by = value, err, by; err == nil && !there {
			c.err = sql.ErrNoRows
		}
		close(c.done)
	}
}

// split returns the ids of a group, each once, and its callers' contexts.
func split[K comparable, V any](group []*readCall[K, V]) (ids []any, callers []context.Context) {
	seen := make(map[K]bool, len(group))
	for _, c := range group {
		if !seen[c.id] {
			seen[c.id] = true
			ids = append(ids, c.id)
		}
		callers = append(callers, c.ctx)
	}
	return ids, callers
}

// whenAllEnd calls f when all of some contexts have ended, unless stop is called before.
func whenAllEnd(all []context.Context, f func()) (stop func()) {
	var left atomic.Int64
	left.Store(int64(len(all)))
	stops := make([]func() bool, len(all))
	for i, ctx := range all {
		stops[i] = context.AfterFunc(ctx, func() {
			if left.Add(-1) == 0 {
				f()
			}
		})
	}
	return func() {
		for _, stop := range stops {
			stop()
		}
	}
}

// outcome returns what was read for one caller.
func (c *readCall[K, V]) outcome() (value V, err error) {
	if c.err != nil && c.err != sql.ErrNoRows {
		return value, c.err
	}
	if c.by.readOnly && !shop.UsedReadOnly(c.ctx) {
		return value, explain(c.ctx, errReadOnly)
	}
	shop.RepliedBy(c.ctx, c.by.name)
	return c.value, c.err
}

// ReadsWaiting returns how many reads wait to be made with others.
func (s *Store) ReadsWaiting() int { return s.products.len() + s.orders.len() }
