package cluster

import (
	"context"
	"errors"
	"time"

	"github.com/woodytoys/woodytoys/api/cache/internal/broken"
	"github.com/woodytoys/woodytoys/api/cache/internal/fence"
)

// watch reads the ledger at every beat.
func (n *Node) watch() {
	ticker := time.NewTicker(n.beat())
	defer ticker.Stop()
	for n.ctx.Err() == nil {
		n.readLedger()
		select {
		case <-n.ctx.Done():
		case <-ticker.C:
		case <-n.poked:
		}
	}
}

// readLedger learns the epoch, and carries out what dead writers left. A word from the database counts
// from when it was asked for: a replica that raised the epoch later waits that long before it
// acknowledges its write. A database that cannot be reached counts the same, for nothing can be
// changing then. One that does not answer may be slow for this replica alone: it counts as away only
// after hungFor.
func (n *Node) readLedger() {
	n.reading.Lock()
	defer n.reading.Unlock()
	asked := n.Now()
	patience := n.Lease / 2
	if n.hung(asked) {
		patience = n.Lease / 4 // so that its end extends what the one before did
	}
	ctx, cancel := context.WithTimeout(n.ctx, patience)
	state, left, err := n.Ledger.Read(ctx, n.grace())
	cancel()
	if n.ctx.Err() != nil {
		return
	}
	silent := errors.Is(err, context.DeadlineExceeded)
	away := errors.Is(err, ErrAway) || silent && n.hung(asked)
	switch {
	case err == nil:
		n.answered = asked
	case away:
		n.wasAway = asked
	}
	if !silent {
		n.heard = asked
	}
	n.sayLedger(err)
	n.mu.Lock()
	if err == nil {
		n.learnLocked(state)
	}
	if err == nil || away && n.known {
		n.lease.extendDatabase(asked + n.usable())
	}
	n.mu.Unlock()
	if len(left) > 0 && !broken.Outbox {
		n.carryOutLeft(left)
	}
}

// hungFor is how many leases a database must not have answered for to count as away.
const hungFor = 5

// hung tells whether the database has not answered for so long that it counts as away.
func (n *Node) hung(now int64) bool { return now-n.heard > hungFor*int64(n.Lease) }

// sayLedger logs what is new.
func (n *Node) sayLedger(err error) {
	said := ""
	if err != nil {
		said = err.Error()
	}
	if said != n.said && err != nil {
		n.Logger.Warn("cache: read the ledger", "err", err)
	}
	n.said = said
}

// learnLocked takes over what the ledger says. Another epoch ends the session, and with it everything
// that is near.
func (n *Node) learnLocked(state State) {
	if n.known && state == n.state {
		return
	}
	if n.known {
		n.Logger.Info("cache: another epoch", "epoch", state.Epoch, "before", n.state.Epoch)
		n.gate.shut()
	}
	n.state, n.known = state, true
	if n.session != nil {
		n.endLocked(n.session, errEpoch)
	}
	n.changeLocked()
}

var errEpoch = errors.New("the epoch has moved")

// carryOutLeft invalidates for writers who died, or lost their connection, before they had. A replica
// that cannot use Redis leaves it to others: there is nothing that it could make worse by waiting, since
// those writes were not acknowledged.
func (n *Node) carryOutLeft(left []Record) {
	if s, _ := n.current(); s == nil || n.away.Load() {
		return
	}
	var slots []uint16
	var records []int64
	for _, record := range left {
		if n.records.claim(record.ID) {
			slots = fence.AppendSlots(slots, record.Tags...)
			records = append(records, record.ID)
		}
	}
	if len(records) == 0 {
		return
	}
	b := n.add(slots)
	n.tasks.Go(func() {
		select {
		case <-b.done:
		case <-n.ctx.Done():
			return
		}
		for _, record := range records {
			if b.err != nil {
				n.records.release(record) // the next reading finds it again
				continue
			}
			n.metrics.replayed.Inc()
			n.records.finish(record)
		}
	})
}
