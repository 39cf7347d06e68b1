package cluster

import (
	"sync"
	"time"
)

// gate holds acknowledgements back: while it is shut, members of an epoch or an incarnation before may still be
// answering from their caches, and are not on the list of those who acknowledge.
type gate struct {
	now   func() int64
	lease time.Duration

	mu    sync.Mutex
	until int64 // no write is acknowledged before
}

func newGate(p part) *gate { return &gate{now: p.Now, lease: p.Lease} }

// shut has no write acknowledged for a whole lease: until every replica that may still answer under what was before
// has lost its right to.
func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.until = max(g.until, g.now()+int64(g.lease))
}

// await waits until what has been announced by now may be acknowledged. A gate that is shut later is not for it: what
// that one is about began after the announcement.
func (g *gate) await() {
	g.mu.Lock()
	left := g.until - g.now()
	g.mu.Unlock()
	time.Sleep(time.Duration(left))
}
