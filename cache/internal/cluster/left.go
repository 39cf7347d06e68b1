package cluster

import (
	"context"
	"slices"
)

// carryOutLeft invalidates for writers who died, or lost their connection, before they had, and for those who cannot
// reach Redis and wait. A replica that cannot use Redis either leaves it to others. It waits for no write of this
// replica, which may be waiting in turn, handed over, for whoever wrote what is left: another replica, or this one
// itself.
func (w *writes) carryOutLeft(left []Record) {
	if w.members.ready() == nil {
		return
	}
	var tags []string
	var ids, waited []int64
	for _, record := range left {
		if !w.records.claim(record.ID) {
			continue
		}
		tags = append(tags, record.Tags...)
		ids = append(ids, record.ID)
		if record.Waited {
			waited = append(waited, record.ID)
		}
	}
	if len(ids) == 0 {
		return
	}
	b := newBatch()
	b.add(tags)
	b.shut()
	w.tasks.Go(func() { w.carryOut(b) })
	w.tasks.Go(func() {
		w.noteTaken(waited)
		select {
		case <-b.done:
		case <-w.ctx.Done():
			return
		}
		// By a bump nothing is carried out for whoever waits: it may be lost, and only who bumped would ask for it.
		for _, id := range ids {
			if b.err != nil || b.bump != "" && slices.Contains(waited, id) {
				w.records.release(id) // the next reading finds it again
				continue
			}
			w.metrics.replayed.Inc()
			w.records.finish(carriedOut{id, b.bump})
		}
	})
}

// noteTaken notes in the ledger that this replica carries records out, for those who wait for them.
func (w *writes) noteTaken(ids []int64) {
	if len(ids) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(w.ctx, w.Lease)
	defer cancel()
	if err := w.Ledger.Take(ctx, ids); err != nil {
		w.Logger.Warn("cache: take records that were handed over, their writers may bump the epoch", "err", err)
	}
}
