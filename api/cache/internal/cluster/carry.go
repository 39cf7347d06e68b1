package cluster

import (
	"errors"
	"slices"
	"time"

	"github.com/woodytoys/woodytoys/api/cache/internal/broken"
)

// batch is writes that are announced together.
type batch struct {
	slots  []uint16
	cutOff int // how often its announcer's session ended before the acknowledgements came
	done   chan struct{}
	err    error // read after done
}

// Carry carries out the invalidation of a write that has committed. When it answers nil, no replica
// serves what the write made wrong, and the write may be acknowledged. That takes one round over the
// bus; at the worst, with a replica or Redis away, the acknowledgement's bound and a lease. An error
// means that neither Redis nor the database could be told: the write must not be acknowledged.
func (n *Node) Carry(slots []uint16) error {
	if !n.enter() {
		return errClosed
	}
	defer n.leave()
	began := time.Now()
	b := n.add(slots)
	<-b.done
	n.metrics.carried.Observe(time.Since(began).Seconds())
	return b.err
}

// enter counts a write in, unless the replica is closing.
func (n *Node) enter() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.closing {
		n.writing++
	}
	return !n.closing
}

func (n *Node) leave() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.writing--
	n.written.Broadcast()
}

// Settle is Carry for a write that recorded its tags: the record is removed after it.
func (n *Node) Settle(record int64, slots []uint16) error {
	if record == 0 {
		return n.Carry(slots)
	}
	broken.At("committed")
	n.records.claim(record)
	err := n.Carry(slots)
	broken.At("settled")
	if err == nil {
		n.records.finish(record)
	} else {
		n.records.release(record)
	}
	return err
}

// add puts slots into the next batch.
func (n *Node) add(slots []uint16) *batch {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.batch == nil {
		n.batch = &batch{done: make(chan struct{})}
	}
	b := n.batch
	b.slots = append(b.slots, slots...)
	select {
	case n.pending <- struct{}{}:
	default:
	}
	return b
}

// carry announces batch after batch. While one waits for its acknowledgements, the next is announced.
func (n *Node) carry() {
	for {
		select {
		case <-n.ctx.Done():
			if b := n.take(); b != nil {
				b.err = errClosed
				close(b.done)
			}
			return
		case <-n.pending:
		}
		if b := n.take(); b != nil {
			n.carryOut(b)
		}
	}
}

func (n *Node) take() *batch {
	n.mu.Lock()
	defer n.mu.Unlock()
	b := n.batch
	n.batch = nil
	if b != nil {
		slices.Sort(b.slots)
		b.slots = slices.Compact(b.slots)
	}
	return b
}

// announceTries is how often an announcement is tried that found the state begun anew.
const announceTries = 3

// carryOut announces a batch, and ends it when the replicas have heard. Where Redis cannot be told, the
// epoch is raised instead.
func (n *Node) carryOut(b *batch) {
	for range announceTries {
		s := n.awaitSession()
		if s == nil {
			break
		}
		seq, members, err := s.invalidate(b.slots)
		if err == nil {
			broken.At("announced")
			n.tasks.Go(func() { n.conclude(b, s, seq, members) })
			return
		}
		if !errors.Is(err, errLost) && s.ctx.Err() == nil {
			n.failed(s, err)
			break
		}
		n.mu.Lock()
		n.endLocked(s, err)
		n.mu.Unlock()
		n.poke()
	}
	n.fallBack(b)
}

// awaitSession waits for a session, unless Redis is known to be away; it answers nil when none came
// within the bound of an acknowledgement.
func (n *Node) awaitSession() *session {
	timer := time.NewTimer(n.AckTimeout)
	defer timer.Stop()
	for {
		s, changed := n.current()
		switch {
		case n.away.Load():
			return nil
		case s != nil:
			return s
		}
		select {
		case <-changed:
		case <-timer.C:
			return nil
		case <-n.ctx.Done():
			return nil
		}
	}
}
