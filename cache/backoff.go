package cache

import (
	"sync/atomic"
	"time"

	"github.com/cespare/xxhash/v2"
)

// backoff remembers until when keys are to be left alone, on the cache's clock. It needs no lock and has room for some
// thousand keys. Where two of them fall on one place the later one has it, which costs a try too many. The zero value
// is ready.
type backoff struct{ places [1 << 12]atomic.Uint64 }

// A place has 24 bits of its key's hash and 40 bits of a time, in milliseconds.
const timeBits = 40

func (b *backoff) placeOf(key string) (place *atomic.Uint64, mark uint64) {
	hash := xxhash.Sum64String(key)
	return &b.places[hash%uint64(len(b.places))], hash >> timeBits << timeBits
}

func millis(at int64) uint64 { return uint64(at) / uint64(time.Millisecond) & (1<<timeBits - 1) }

// isSet reports whether a place is the mark's, and its time yet to come.
func isSet(place, mark uint64, now int64) bool {
	return place>>timeBits<<timeBits == mark && place&(1<<timeBits-1) > millis(now)
}

// set marks a key as backing off until a time.
func (b *backoff) set(key string, until int64) {
	place, mark := b.placeOf(key)
	place.Store(mark | millis(until))
}

// has reports whether a key is backing off now.
func (b *backoff) has(key string, now int64) bool {
	place, mark := b.placeOf(key)
	return isSet(place.Load(), mark, now)
}

// take marks a key as set does, and reports whether this caller did: of several at once, at most one. It does not if
// the key is backing off already.
func (b *backoff) take(key string, now, until int64) bool {
	place, mark := b.placeOf(key)
	before := place.Load()
	return !isSet(before, mark, now) && place.CompareAndSwap(before, mark|millis(until))
}

// forget ends a key's backing off.
func (b *backoff) forget(key string) {
	place, mark := b.placeOf(key)
	if before := place.Load(); before>>timeBits<<timeBits == mark {
		place.CompareAndSwap(before, 0)
	}
}
