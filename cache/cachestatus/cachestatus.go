// Package cachestatus writes the field Cache-Status (RFC 9211) of responses that passed a cache of package cache.
// It has a member for each cache that had a say, the nearest to the origin first. The packages fibercache and httpcache
// share it.
package cachestatus

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/woodytoys/woodytoys/cache"
)

// Name is the name of the field.
const Name = "Cache-Status"

// Layers are the caches that there are: the near cache of this process, and the one in Redis that replicas share.
type Layers struct{ Near, Shared bool }

// Of returns the layers of a cache.
func Of(c *cache.Cache) Layers { return Layers{Near: c.Near(), Shared: c.Shared()} }

// nearest returns the name of the cache that a request comes to first.
func (l Layers) nearest() string {
	if l.Near {
		return "near"
	}
	return "redis"
}

// Bypass returns the status of a request that is not for the cache.
func (l Layers) Bypass() []byte { return []byte(l.nearest() + "; fwd=bypass") }

// NotShared returns the status of a caller who waited for an answer that turned out to be another's own.
func (l Layers) NotShared() []byte {
	return []byte("origin, " + l.nearest() + "; fwd=bypass; detail=not-shared")
}

// Refused returns the status of a caller who may not have what there is, if there is anything. It does not show whether
// anything is kept.
func (l Layers) Refused() []byte { return []byte(l.nearest() + "; fwd=bypass; detail=refused") }

// Failed is the error of a load whose handler answered with a failure. AppendMiss gives its status as fwd-status, where
// something else could be answered.
type Failed struct{ Status int }

// Error implements error.
func (f Failed) Error() string { return fmt.Sprintf("the handler answered %d", f.Status) }

// AppendHit appends the status of an answer that was near. Its info is what Peek returned.
func (Layers) AppendHit(b []byte, info cache.Info) []byte {
	b = append(b, "near; hit"...)
	if info.Stale {
		return appendStale(b, info)
	}
	return appendTTL(b, info.TTL)
}

// AppendMiss appends the status of an answer that was not near, for the reason in missed. Its info is what Look or Fill
// returned. Why, unless it is empty, is a token for why the response is not stored.
func (l Layers) AppendMiss(b []byte, missed cache.Reason, info cache.Info, why string) []byte {
	if info.Shared != cache.SharedHit && info.Shared != cache.SharedWaited && !info.Stale {
		b = append(b, "origin"...)
		if why != "" {
			b = append(append(b, "; detail="...), why...)
		}
		b = append(b, ", "...)
	}
	if l.Shared {
		b = l.appendRedis(b, info)
	}
	if !l.Near {
		return b[:len(b)-2]
	}
	b = append(b, "near; fwd="...)
	switch {
	case missed == cache.Expired, missed == cache.Invalidated && info.Stale:
		b = append(b, "stale"...)
	case missed == cache.Invalidated:
		b = append(b, "stale; detail=invalidated"...)
	case missed == cache.Unsure:
		b = append(b, "bypass; detail=no-lease"...)
	default:
		b = append(b, "uri-miss"...)
	}
	if info.Collapsed {
		b = append(b, "; collapsed"...)
	}
	if info.Stale && info.Shared != cache.SharedHit { // otherwise it was Redis' copy that was stale
		return appendStale(b, info)
	}
	return appendStored(b, info.Stored, info.TTL)
}

// appendRedis appends what Redis had to do with the response, and the comma behind it.
func (l Layers) appendRedis(b []byte, info cache.Info) []byte {
	if alone := info.Shared == cache.NotShared || info.Shared == cache.SharedAway; alone && info.Stale && !l.Near {
		// What Redis has stands in for a load that is late, or that was for this replica alone.
		return append(appendStale(append(b, "redis; fwd=stale"...), info), ", "...)
	}
	switch info.Shared {
	case cache.SharedHit:
		b = append(b, "redis; hit"...)
		if info.Stale {
			b = appendStale(b, info)
		} else {
			b = appendStored(b, false, info.TTL)
		}
	case cache.SharedWaited:
		b = appendStored(append(b, "redis; fwd=uri-miss; collapsed"...), false, info.TTL)
	case cache.SharedMiss:
		b = append(b, "redis; fwd=uri-miss"...)
		if !l.Near && info.Collapsed {
			b = append(b, "; collapsed"...)
		}
		if !l.Near && info.Stale {
			b = appendStale(b, info)
		} else {
			b = appendStored(b, info.SharedStored, info.TTL)
		}
	case cache.SharedAway:
		b = append(b, "redis; fwd=bypass; detail=away"...)
	default: // Redis was not asked: the response arrived just before this caller, or HEAD fills nothing
		b = append(b, "redis; fwd=bypass"...)
	}
	return append(b, ", "...)
}

func appendStored(b []byte, stored bool, ttl time.Duration) []byte {
	if stored {
		b = append(b, "; stored"...)
	}
	if ttl > 0 {
		b = appendTTL(b, ttl)
	}
	return b
}

// appendStale appends that a response's time is over, and what came instead of another one where that was tried.
func appendStale(b []byte, info cache.Info) []byte {
	var failed Failed
	if errors.As(info.LoadErr, &failed) {
		b = strconv.AppendInt(append(b, "; fwd-status="...), int64(failed.Status), 10)
	}
	return append(appendTTL(b, info.TTL), "; detail=stale-on-error"...)
}

func appendTTL(b []byte, ttl time.Duration) []byte {
	return strconv.AppendInt(append(b, "; ttl="...), int64(ttl/time.Second), 10)
}
