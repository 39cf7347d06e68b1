package main

import (
	"context"
	"time"
)

// roomThreshold is how long a server without room on its disk may apply nothing of what it is sent. It waits for room
// to write its log, and the others for it.
const roomThreshold = time.Second

// wedge is since when a server has applied nothing.
type wedge struct {
	seqno int64
	since time.Time
}

// observe takes what the server says and whether its disk is full, and reports whether it keeps the others waiting.
func (w *wedge) observe(seen status, ok, full bool, now time.Time) bool {
	if !ok || !full || !seen.primary || seen.queue == 0 || seen.seqno != w.seqno || w.since.IsZero() {
		w.seqno, w.since = seen.seqno, now
		return false
	}
	return now.Sub(w.since) > roomThreshold
}

// isCrowded reports whether the node's disk is full while another node has room.
func (n *runner) isCrowded() bool {
	states, _ := n.states()
	return states[n.cfg.Node].DiskFull && n.othersHaveRoom(states)
}

// othersHaveRoom reports whether another node is part of the cluster and has room on its disk.
func (n *runner) othersHaveRoom(states map[string]State) bool {
	for name, state := range states {
		if name != n.cfg.Node && state.Primary && state.Synced && !state.DiskFull {
			return true
		}
	}
	return false
}

// awaitRoom waits until the disk has room, as long as others have: a server that joins without would keep them waiting.
func (n *runner) awaitRoom(ctx context.Context) error {
	for {
		states, _ := n.states()
		if free, err := freeBytes(n.cfg.DataDir); err != nil || free >= uint64(n.cfg.LeastFree) ||
			!n.othersHaveRoom(states) {
			return nil
		}
		n.enter(waiting, "its disk is full, and others have room")
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lookEvery):
		}
	}
}
