package cluster

import (
	"sync"
	"time"

	"github.com/woodytoys/woodytoys/cache/internal/broken"
)

// evictions is when this replica first saw each evicted member on the list. Such a member may still have a lease, and
// every writer that finds it there waits for that lease, not only the one who evicted it.
type evictions struct {
	now   func() int64
	lease time.Duration

	mu   sync.Mutex
	seen map[string]int64
}

func newEvictions(p part) *evictions {
	return &evictions{now: p.Now, lease: p.Lease, seen: map[string]int64{}}
}

// rememberLeases is for how many leases an eviction is remembered: longer than the member stays on the list.
const rememberLeases = 10

// takeOff takes those off members who are evicted, and returns when the last of their leases is over: a lease after
// they were first seen so.
func (e *evictions) takeOff(members map[string]string) (over int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.now()
	for member, renewal := range members {
		if renewal != evicted {
			continue
		}
		delete(members, member)
		if _, found := e.seen[member]; !found {
			e.seen[member] = now
		}
		if !broken.Evict {
			over = max(over, e.seen[member]+int64(e.lease))
		}
	}
	for member, at := range e.seen {
		if now-at > rememberLeases*int64(e.lease) {
			delete(e.seen, member)
		}
	}
	return over
}
