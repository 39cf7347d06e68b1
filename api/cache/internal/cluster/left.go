package cluster

import "github.com/woodytoys/woodytoys/api/cache/internal/fence"

// carryOutLeft invalidates for writers who died, or lost their connection, before they had. A replica
// that cannot use Redis leaves it to others: there is nothing that it could make worse by waiting, since
// those writes were not acknowledged.
func (w *writes) carryOutLeft(left []Record) {
	if w.members.ready() == nil {
		return
	}
	var slots []uint16
	var ids []int64
	for _, record := range left {
		if w.records.claim(record.ID) {
			slots = fence.AppendSlots(slots, record.Tags...)
			ids = append(ids, record.ID)
		}
	}
	if len(ids) == 0 {
		return
	}
	b := w.add(slots)
	w.tasks.Go(func() {
		select {
		case <-b.done:
		case <-w.ctx.Done():
			return
		}
		for _, id := range ids {
			if b.err != nil {
				w.records.release(id) // the next reading finds it again
				continue
			}
			w.metrics.replayed.Inc()
			w.records.finish(id)
		}
	})
}
