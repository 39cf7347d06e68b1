package cluster

import (
	"context"
	"sync"
	"time"
)

// records are the outbox's records that this replica carries out, and those that it has carried out and is to remove.
type records struct {
	part

	mu       sync.Mutex
	carrying map[int64]bool
	done     chan carriedOut
}

// carriedOut is a record that was carried out.
type carriedOut struct {
	id   int64
	bump string // the token of the bump that carried it out; empty where it was announced
}

func newRecords(p part) *records {
	return &records{part: p, carrying: map[int64]bool{}, done: make(chan carriedOut, 1024)}
}

// claim notes that this replica carries a record out, and reports whether it did not already.
func (r *records) claim(id int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	already := r.carrying[id]
	r.carrying[id] = true
	return !already
}

// release makes the next reading of the outbox return a record again, if it is still there.
func (r *records) release(id int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.carrying, id)
}

// finish queues a record that was carried out to be removed soon. One that is not, another replica carries out again:
// that does no harm.
func (r *records) finish(record carriedOut) {
	select {
	case r.done <- record:
	case <-r.ctx.Done():
	}
}

// removeEvery is how long records that were carried out are gathered.
const removeEvery = 20 * time.Millisecond

// run removes records that were carried out, many at a time. What is left at the end is removed.
func (r *records) run() {
	for {
		ids := map[string][]int64{} // by the bump
		add := func(record carriedOut) { ids[record.bump] = append(ids[record.bump], record.id) }
		select {
		case record := <-r.done:
			add(record)
			sleep(r.ctx, removeEvery)
		case <-r.ctx.Done():
		}
		for len(r.done) > 0 {
			add(<-r.done)
		}
		for bump, ids := range ids {
			r.remove(ids, bump)
		}
		if len(ids) == 0 && r.ctx.Err() != nil {
			return
		}
	}
}

func (r *records) remove(ids []int64, bump string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), r.Lease)
	defer cancel()
	if err := r.Ledger.Remove(ctx, ids, bump); err != nil {
		r.Logger.Warn("cache: remove records, they are carried out again", "records", len(ids), "err", err)
	}
	for _, id := range ids {
		r.release(id)
	}
}
