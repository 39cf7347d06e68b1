// Package cachestatus writes the field Cache-Status (RFC 9211) of answers that a cache of package cache had to do with. It
// has a member for each cache that had a say, the nearest to the origin first. The packages fibercache and httpcache share
// it.
package cachestatus

import (
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

// AppendHit appends the status of an answer that was near. Its info is what Peek returned.
func (Layers) AppendHit(b []byte, info cache.Info) []byte {
	return strconv.AppendInt(append(b, "near; hit; ttl="...), int64(info.TTL/time.Second), 10)
}

// AppendMiss appends the status of an answer that was not near, for the reason in missed. Its info is what Look or Fill
// returned. Why, unless it is empty, is a token that says why the answer is not kept.
func (l Layers) AppendMiss(b []byte, missed cache.Reason, info cache.Info, why string) []byte {
	if info.Shared != cache.SharedHit && info.Shared != cache.SharedWaited {
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
	switch missed {
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

// appendRedis appends what Redis had to do with the answer, and the comma behind it.
func (l Layers) appendRedis(b []byte, info cache.Info) []byte {
	switch info.Shared {
	case cache.SharedHit:
		b = appendStored(append(b, "redis; hit"...), false, info.TTL)
	case cache.SharedWaited:
		b = appendStored(append(b, "redis; fwd=uri-miss; collapsed"...), false, info.TTL)
	case cache.SharedMiss:
		b = append(b, "redis; fwd=uri-miss"...)
		if !l.Near && info.Collapsed {
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
