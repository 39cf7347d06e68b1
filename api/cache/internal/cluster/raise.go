package cluster

import (
	"context"
	"errors"
	"fmt"

	"github.com/woodytoys/woodytoys/api/cache/internal/broken"
)

// fallBack raises the epoch for a batch that Redis could not be told of, and ends it when no replica
// can be answering under the one before. Raising it again for each write would have every replica
// begin anew each time: it is done four times a lease at most.
func (n *Node) fallBack(b *batch) {
	if broken.Epoch {
		close(b.done)
		return
	}
	raised, err := n.raise(State{Wire: Wire})
	n.tasks.Go(func() {
		if b.err = err; err == nil {
			b.err = n.awaitRaised(raised)
		}
		close(b.done)
	})
	sleep(n.ctx, n.Lease/4)
}

// raise raises the epoch, and shuts the gate until every replica knows or has lost its right to answer
// from a cache. It tries for a lease: the database may be starting again.
func (n *Node) raise(least State) (State, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(n.ctx), n.Lease)
	defer cancel()
	for {
		n.reading.Lock() // so that no older reading is learnt after it
		state, err := n.Ledger.Raise(ctx, least)
		if err == nil {
			n.metrics.raised.Inc()
			n.mu.Lock()
			n.learnLocked(state)
			n.gate.shut()
			n.mu.Unlock()
			n.reading.Unlock()
			return state, nil
		}
		n.reading.Unlock()
		if sleep(ctx, n.Lease/20); ctx.Err() != nil {
			return State{}, fmt.Errorf("cache: a write could be told neither to Redis nor to the database: %w", err)
		}
	}
}

// raisedTries is how many leases a raised epoch may take to be known everywhere.
const raisedTries = 3

var errUnconfirmed = errors.New("cache: the epoch was raised, and the database was lost before every replica can know")

// awaitRaised waits until no replica can be answering under an epoch before the one that was raised: for a
// lease at whose end the database answers, and in which it never counted as away, as seen from here. Had
// it, others may have gone on answering, since for them nobody could be writing.
func (n *Node) awaitRaised(raised State) error {
	for range raisedTries {
		began := n.Now()
		n.gate.await()
		n.readLedger()
		n.reading.Lock()
		known := n.answered >= began && n.wasAway < began
		n.reading.Unlock()
		n.mu.Lock()
		known = known && n.state.Epoch >= raised.Epoch
		if !known {
			n.gate.shut() // once more
		}
		n.mu.Unlock()
		if known {
			return nil
		}
	}
	return errUnconfirmed
}
