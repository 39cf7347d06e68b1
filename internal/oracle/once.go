package oracle

import (
	"fmt"
	"math/rand/v2"
	"sync"
)

// NewKey returns an Idempotency-Key that nobody else has.
func NewKey() string { return fmt.Sprintf("%x-%x", rand.Uint64(), rand.Uint64()) }

// Once is one write that is sent again and again under one Idempotency-Key, and is to be carried out once, however
// often it was sent, and whatever became of those that were not acknowledged. The zero Once was not acknowledged yet.
type Once[T comparable] struct {
	mu           sync.Mutex
	acknowledged bool
	first        T
}

// Acknowledged notes that one of its sendings was acknowledged, and what the write made. It returns Wrong if another
// sending was acknowledged to have made something else: then there were two writes.
func (o *Once[T]) Acknowledged(made T) Verdict {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.acknowledged {
		o.acknowledged, o.first = true, made
	}
	if made != o.first {
		return Wrong
	}
	return Good
}
