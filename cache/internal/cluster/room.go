package cluster

import (
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// room is whether Redis has room for what is filled. Where it has none, and may drop nothing to make some, it refuses
// fills, which are kept near alone then. What keeps the protocol going it takes all the same (allow-oom in the
// scripts).
type room struct {
	part
	counted  atomic.Int64 // the fills that were refused since that was last logged
	loggedAt atomic.Int64 // when it was last logged, by Now; 0 for never
}

// sayEvery is how often the log speaks of a Redis that is full.
const sayEvery = time.Minute

// note counts a fill that Redis refused for want of room, if err is that.
func (r *room) note(err error) {
	if !redis.IsOOMError(err) {
		return
	}
	r.metrics.full.Inc()
	fills := r.counted.Add(1)
	now, loggedAt := r.Now(), r.loggedAt.Load()
	if loggedAt != 0 && now-loggedAt < int64(sayEvery) || !r.loggedAt.CompareAndSwap(loggedAt, max(now, 1)) {
		return
	}
	r.counted.Add(-fills)
	r.Logger.Warn(
		"cache: Redis has no room for a fill, which is kept by this replica alone: let it drop what is used least "+
			"(maxmemory-policy allkeys-lru), or give it more memory (maxmemory)", "fills", fills, "err", err)
}

// look warns of a server that will refuse fills one day: one that has a bound and drops nothing.
func (r *room) look(on *run) {
	ctx, cancel := r.bounded(r.ctx)
	defer cancel()
	info, err := on.control.Info(ctx, "memory").Result()
	if err != nil {
		return // the next command will fail
	}
	if bound := field(info, "maxmemory"); bound != "0" && bound != "" &&
		field(info, "maxmemory_policy") == "noeviction" {
		r.Logger.Warn("cache: this Redis drops nothing (noeviction): once it is full, fills are kept near alone; "+
			"set maxmemory-policy allkeys-lru", "maxmemory", bound)
	}
}
