package fibercache

import (
	"strconv"
	"time"

	"github.com/woodytoys/woodytoys/cache"
)

// Cache-Status (RFC 9211) has a member for each cache that had a say, the nearest to the origin first.

var statusName = []byte("Cache-Status")

// layers says which caches there are.
type layers struct{ near, redis bool }

// nearest is the cache that a request comes to first.
func (l layers) nearest() string {
	if l.near {
		return "near"
	}
	return "redis"
}

// bypass is the status of a request that is not for the cache.
func (l layers) bypass() []byte { return []byte(l.nearest() + "; fwd=bypass") }

// notShared is the status of a caller who waited for an answer that turned out to be another's own.
func (l layers) notShared() []byte {
	return []byte("origin, " + l.nearest() + "; fwd=bypass; detail=not-shared")
}

// appendHit writes the status of an answer that was near.
func appendHit(b []byte, ttl time.Duration) []byte {
	return strconv.AppendInt(append(b, "near; hit; ttl="...), int64(ttl/time.Second), 10)
}

// appendMiss writes the status of an answer that was not near, for the reason given. Why is what its handler said, if it
// is not kept.
func (l layers) appendMiss(b []byte, reason cache.Reason, info cache.Info, why string) []byte {
	if info.Shared != cache.SharedHit && info.Shared != cache.SharedWaited {
		b = append(b, "origin"...)
		if why != "" {
			b = append(append(b, "; detail="...), why...)
		}
		b = append(b, ", "...)
	}
	if l.redis {
		b = l.appendRedis(b, info)
	}
	if !l.near {
		return b[:len(b)-2]
	}
	b = append(b, "near; fwd="...)
	switch reason {
	case cache.Expired:
		b = append(b, "stale"...)
	case cache.Invalidated:
		b = append(b, "stale; detail=invalidated"...)
	case cache.Unsure:
		b = append(b, "bypass; detail=no-lease"...)
	default:
		b = append(b, "uri-miss"...)
	}
	if info.Collapsed {
		b = append(b, "; collapsed"...)
	}
	return appendStored(b, info.Stored, info.TTL)
}

// appendRedis writes what Redis had to do with the answer, and the comma behind it.
func (l layers) appendRedis(b []byte, info cache.Info) []byte {
	switch info.Shared {
	case cache.SharedHit:
		b = appendStored(append(b, "redis; hit"...), false, info.TTL)
	case cache.SharedWaited:
		b = appendStored(append(b, "redis; fwd=uri-miss; collapsed"...), false, info.TTL)
	case cache.SharedMiss:
		b = append(b, "redis; fwd=uri-miss"...)
		if !l.near && info.Collapsed {
			b = append(b, "; collapsed"...)
		}
		b = appendStored(b, info.SharedStored, info.TTL)
	case cache.SharedAway:
		b = append(b, "redis; fwd=bypass; detail=away"...)
	default: // it was not asked: the answer landed just before this caller came, or HEAD fills nothing
		b = append(b, "redis; fwd=bypass"...)
	}
	return append(b, ", "...)
}

func appendStored(b []byte, stored bool, ttl time.Duration) []byte {
	if stored {
		b = append(b, "; stored"...)
	}
	if ttl > 0 {
		b = strconv.AppendInt(append(b, "; ttl="...), int64(ttl/time.Second), 10)
	}
	return b
}
