package faults

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// oracle knows what was acknowledged, and holds answers against what was when they were asked for.
type oracle struct {
	floors []atomic.Int64 // of the products that are renamed: the newest version acknowledged
	ids    []int64        // theirs

	added   atomic.Int64 // products added, acknowledged
	deleted atomic.Int64 // products deleted, begun

	reads, writes, failedReads, failedWrites atomic.Int64

	orders *orders

	mu         sync.Mutex
	violations []string
	found      chan struct{} // closed with the first violation
}

func newOracle(ids []int64) *oracle {
	return &oracle{floors: make([]atomic.Int64, len(ids)), ids: ids, orders: &orders{}, found: make(chan struct{})}
}

func (o *oracle) violated(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.violations = append(o.violations, fmt.Sprintf(format, args...))
	if len(o.violations) == 1 {
		close(o.found)
	}
}

func (o *oracle) isViolated() bool {
	select {
	case <-o.found:
		return true
	default:
		return false
	}
}

// raise sets to the higher of it and value.
func raise(to *atomic.Int64, value int64) {
	for {
		now := to.Load()
		if now >= value || to.CompareAndSwap(now, value) {
			return
		}
	}
}
