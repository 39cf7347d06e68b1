// Package stats has what a cache counts: cache.Cache.Stats returns it, and package promcache gives it to Prometheus.
// Counts begin at zero with the cache and only rise. What is read while the cache works belongs to about one moment:
// a figure may be a read or two ahead of another. What does not apply is zero, or nil: the figures of a layer that the
// cache does not have, and those of a loader that was never asked.
package stats

import "time"

// Cache is what a cache has counted.
type Cache struct {
	// Loaders are its loaders, in the order of their names.
	Loaders []Loader
	// Entries and Bytes are what the near cache holds, keys and bookkeeping included; zero where a gocache store is
	// in its place, which does not report it.
	Entries int
	Bytes   uint64
	// Evictions are entries that the near cache dropped to keep its bound.
	Evictions uint64
	// Invalidations are calls of Invalidate and Settle.
	Invalidations uint64
	// Clears are calls of Clear.
	Clears uint64
	// Waiting is how many callers wait for a fill now, their own or another's.
	Waiting int64
	// Cluster is what the replica's part in its cluster has counted; nil in a cache of one process.
	Cluster *Cluster
}

// Loader is what one loader has counted. For each
//
//	gets = Hits + Misses
//	Misses = Joined + fills that a caller began + those who gave up or were late + HEADs, which fill nothing
//
// while Refreshes are fills that no read waited for. In a cluster
//
//	fills begun = SharedHits + loads, and loads = SharedMisses + SharedAway
type Loader struct {
	// Name is its Options.Name.
	Name string
	// Hits are reads answered by the near cache, Misses those that it could not answer.
	Hits, Misses uint64
	// Joined are misses that waited for a fill which another caller began.
	Joined uint64
	// Refreshes are fills begun ahead of an expiry.
	Refreshes uint64
	// Refused are fills whose fence was lost, and which were not kept.
	Refused uint64
	// Failed are fills that ended in an error.
	Failed uint64
	// Batches are loads of several keys at once, for GetMany. Each of the keys is a fill of its own, which took as long
	// as its batch.
	Batches uint64
	// Fills are how long fills took.
	Fills Histogram

	// SharedHits are fills that Redis answered, those included that waited there for another replica's.
	SharedHits uint64
	// SharedMisses are fills that this replica was to load for all.
	SharedMisses uint64
	// SharedAway are fills that could not use Redis.
	SharedAway uint64
	// Unencoded are fills whose value the codec could not encode, by an error or a panic, or is too large to be shared.
	Unencoded uint64

	// SoftTimeouts are misses that left a load for a stale value after SoftTimeout, HardTimeouts those that left one
	// after HardTimeout, with a stale value or without.
	SoftTimeouts, HardTimeouts uint64
	// Stale are reads that were answered with a value whose TTL was over, since its load failed or was late; they are
	// among the Hits, the Misses and those Joined, like all others.
	Stale uint64
}

// Cluster is what a replica's part in its cluster has counted.
type Cluster struct {
	// Sent are announcements on the bus; one may stand for several writes.
	Sent uint64
	// Acknowledged are acknowledgements by replicas of this one's announcements.
	Acknowledged uint64
	// TimedOut are replicas that did not acknowledge in time and were evicted.
	TimedOut uint64
	// Replayed are records of the outbox carried out for a writer that had not done so.
	Replayed uint64
	// HandedOver are announcements made by another replica for this one, for want of Redis.
	HandedOver uint64
	// Bumped is how often this replica bumped the epoch, for want of Redis.
	Bumped uint64
	// Refused are fills that Redis refused, since their fence was lost.
	Refused uint64
	// Full are fills that Redis had no room for: it is full, and drops nothing to make some.
	Full uint64
	// Errors are commands that Redis did not answer, or refused.
	Errors uint64
	// BusLag is how long renewals took to come back over the bus connection.
	BusLag Histogram
	// Settled is how long writes waited until every replica had heard.
	Settled Histogram

	// Members is how many replicas writers wait for, Waiting how many fills wait for another replica's.
	Members, Waiting int64
	// Lease is how long this replica may answer from its caches without hearing more; zero or less: not at all.
	Lease time.Duration
	// Away reports that Redis is not asked, because it did not answer.
	Away bool
	// Epoch is the epoch, as this replica has read it; zero before it has.
	Epoch uint64
	// Sessions is how often this replica has registered.
	Sessions uint64
}

// Histogram is durations by size.
type Histogram struct {
	// Bounds are the upper bounds, the smallest first. They are not to be changed.
	Bounds []time.Duration
	// Counts is how many durations were up to each bound and above the one before; the last one, of those above all.
	Counts []uint64
	// Sum is all of them together.
	Sum time.Duration
}

// Count returns how many there are.
func (h Histogram) Count() (n uint64) {
	for _, count := range h.Counts {
		n += count
	}
	return n
}
