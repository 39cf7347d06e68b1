package cluster

import (
	"sync/atomic"
	"time"

	"github.com/woodytoys/woodytoys/cache/internal/count"
	"github.com/woodytoys/woodytoys/cache/stats"
)

// metrics are what an operator sees of the protocol. stats.Cluster describes them.
type metrics struct {
	sent, acknowledged, timedOut, replayed, handedOver, bumped, refused, full, errors, sessions count.Counter

	busLag, settled  *count.Histogram
	members, waiting atomic.Int64
}

func newMetrics() *metrics {
	return &metrics{busLag: newHistogram(), settled: newHistogram()}
}

func newHistogram() *count.Histogram { return count.NewHistogram(100*time.Microsecond, 3, 11) }

// Stats returns what the node has counted.
func (n *Node) Stats() stats.Cluster {
	m := n.metrics
	state, _ := n.watch.current()
	return stats.Cluster{
		Sent: m.sent.Load(), Acknowledged: m.acknowledged.Load(), TimedOut: m.timedOut.Load(),
		Replayed: m.replayed.Load(), HandedOver: m.handedOver.Load(), Bumped: m.bumped.Load(),
		Refused: m.refused.Load(), Full: m.full.Load(), Errors: m.errors.Load(), Sessions: m.sessions.Load(),
		BusLag: m.busLag.Load(), Settled: m.settled.Load(),
		Members: m.members.Load(), Waiting: m.waiting.Load(),
		Lease: time.Duration(n.lease.until.Load() - n.Now()), Away: n.members.ready() == nil, Epoch: state.Epoch,
	}
}
