package main

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/woodytoys/woodytoys/internal/oracle"
)

// probeTrusted bounds the time after its last acknowledged write in which responses are checked against a probe. It is
// half of the time for which the shop stores a probe that nobody writes (shop.ProbesTTL), since the observer's clock
// may differ from the database's.
const probeTrusted = 5 * time.Minute

// rememberedWrites is how many writes' times are remembered, for the log.
const rememberedWrites = 256

// probe is the observer's own row, and what is known of it. The zero version is that of a probe that was never written.
type probe struct {
	name string
	item oracle.Item

	mu     sync.Mutex
	writes []acknowledged // the newest, in order
}

type acknowledged struct {
	version int64
	at      time.Time
}

// newProbe returns a probe that no other observer has: what others write is theirs, and so is what they read.
func newProbe() *probe { return &probe{name: fmt.Sprintf("observer-%016x", rand.Uint64())} }

// acknowledge notes that a write was acknowledged at a time, and which version it made. It returns Lost where an
// acknowledged write had made that one, or a later one, before: this observer alone writes the probe, one write after
// another, so the database has gone back.
func (p *probe) acknowledge(version int64, at time.Time) oracle.Verdict {
	if version <= p.item.Floor().Version {
		return oracle.Lost
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.writes) == rememberedWrites {
		p.writes = p.writes[1:]
	}
	p.writes = append(p.writes, acknowledged{version, at})
	return p.item.Acknowledged(oracle.State{Version: version})
}

// trusted reports whether the probe was written not long ago: the shop has not forgotten it.
func (p *probe) trusted() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.writes) - 1
	return last >= 0 && time.Since(p.writes[last].at) < probeTrusted
}

// acknowledgedAt returns when the write of a version was acknowledged; the zero time where that is not known.
func (p *probe) acknowledgedAt(version int64) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, write := range p.writes {
		if write.version == version {
			return write.at
		}
	}
	return time.Time{}
}
