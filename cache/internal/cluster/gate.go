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

	mu     sync.Mutex
	until  int64 // no write is acknowledged before
	passed int64 // the until that has been waited for, with the database there all the time
}

func newGate(p part) *gate { return &gate{now: p.Now, lease: p.Lease} }

// shut holds back acknowledgements for a whole lease: until every replica that may still answer under what was before
// has lost its right to.
func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.until = max(g.until, g.now()+int64(g.lease))
}

// await waits until what has been announced by now may be acknowledged, and returns until when that was. A gate that is
// shut later is not for it: what that one is about began after the announcement. meanwhile is called again and again.
func (g *gate) await(meanwhile func()) (until int64) {
	g.mu.Lock()
	until = g.until
	g.mu.Unlock()
	for left := until - g.now(); left > 0; left = until - g.now() {
		meanwhile()
		time.Sleep(min(time.Duration(left), g.lease/10))
	}
	return until
}

// pass notes that the database was there through the lease that ended then.
func (g *gate) pass(until int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.passed = max(g.passed, until)
}

// passBy is pass by a reading of the ledger that was answered, and asked for when no write waited: the gate need not be
// held to what becomes of the database after its lease. broken is when that was away last.
func (g *gate) passBy(asked, broken int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if asked >= g.until && broken < g.until-int64(g.lease) {
		g.passed = max(g.passed, g.until)
	}
}

// isOpen reports whether it has been passed since it was shut last.
func (g *gate) isOpen() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.until <= g.passed
}

// isPassed reports whether pass was called for that lease, or a later one. One that never began needs none.
func (g *gate) isPassed(until int64) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return until <= g.passed
}
