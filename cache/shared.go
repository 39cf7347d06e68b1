package cache

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/woodytoys/woodytoys/cache/internal/layer"
	"github.com/woodytoys/woodytoys/cache/tracing"
)

// look looks a key up in the layer that replicas share, for a caller who found nothing near. It returns what was seen
// there to a caller who is to begin a flight; nil when a flight of the key is under way, which will do.
func (l *Loader[V]) look(ctx context.Context, key string) (v V, info Info, seen *layer.Lookup) {
	c := l.cache
	if c.flights.has(key) {
		return v, info, nil
	}
	return l.found(key, c.lookup(ctx, l.options.Name, key))
}

// found returns what was seen of a key in the layer that replicas share: see look.
func (l *Loader[V]) found(key string, there layer.Lookup) (v V, info Info, seen *layer.Lookup) {
	c := l.cache
	if !there.Hit || l.options.lapsed(&there.Found) {
		copied := there
		if there.Hit {
			if v, info, ok := l.lookStale(key, &copied.Found); ok {
				return v, info, nil
			}
		}
		return v, info, &copied
	}
	value, decoded := decode(l.options.Codec, there.Payload)
	if !decoded {
		return v, info, nil // a flight will find the same, and replace it
	}
	l.meter.sharedHits.Inc()
	v, _ = value.(V)
	info = Info{Shared: SharedHit}
	if !c.Near() && l.options.isDue(&there.Found) {
		info.Due = c.takeDue(key, &there.Found)
	}
	o := outcome{value: value, absent: there.Absent, id: there.ID}
	ttl, _ := o.lives(&l.options)
	if info.TTL = max(0, min(ttl, time.Until(there.Expires))); info.TTL > 0 && c.Near() {
		info.Stored = true
		o.fill.bytes = int64(len(there.Payload)) + foundOverhead
		slots, expires := layer.UnpackSlots(there.Slots), c.clock.now()+int64(info.TTL)
		c.put(strings.Clone(key), o.entryOf(key, &l.options, there.Stamp, slots, expires))
	}
	return v, info, nil
}

// fetch looks for a flight's value in the layer that replicas share. Without one, it returns the lease to
// fill it for all; or nil, when that layer cannot be used now.
func (c *Cache) fetch(ctx context.Context, f *flight) layer.Lease {
	found, lease := c.fetchGood(ctx, f)
	switch {
	case lease != nil:
		f.shared, f.id = SharedMiss, lease.Token()
		f.meter.sharedMisses.Inc()
	case found == nil:
		f.shared = SharedAway
		f.meter.sharedAway.Inc()
	case found.Waited:
		f.shared = SharedWaited
		f.meter.sharedHits.Inc()
	default:
		f.shared = SharedHit
		f.meter.sharedHits.Inc()
	}
	return lease
}

// fetchRounds is how often a flight may find a value that is to be replaced.
const fetchRounds = 3

// fetchGood is like Node.Fetch, for a value whose codec can read it and whose time is not over. One whose time is over
// may stand in for the load.
func (c *Cache) fetchGood(ctx context.Context, f *flight) (found *layer.Found, lease layer.Lease) {
	var old layer.Token
	if f.ahead != nil {
		old = f.ahead.id
	}
	if f.afar {
		if found = c.fetchAhead(f); found != nil {
			return found, nil
		}
	}
	from := f.seen
	if from != nil && from.Hit {
		c.fallBackTo(f, &from.Found)
		old = from.ID
	}
	for range fetchRounds {
		found, lease = c.acquireOne(ctx, f, old, from)
		switch {
		case found == nil:
			return nil, lease
		case !found.Waited && f.options.lapsed(found): // what was filled while this flight waited is good
			c.fallBackTo(f, found)
		case f.take(found, f.options.Codec):
			return found, nil
		}
		old, from = found.ID, nil
	}
	return nil, nil
}

// share ends a fill lease: with the value, where it may be kept, and without one whatever happens before. An absence
// that is an error stays here: an error is no value that a codec handles.
func (c *Cache) share(ctx context.Context, f *flight, lease layer.Lease) {
	if lease == nil {
		return
	}
	ended := false
	defer func() {
		if !ended {
			lease.Release()
		}
	}()
	ttl, life := f.lives(f.options)
	if f.err != nil || ttl <= 0 {
		return
	}
	if payload, encoded := f.encode(); encoded {
		ended = true
		_, span := tracing.Start(ctx, c.tracer, tracing.Store, f.options.Name)
		f.sharedStored = lease.Store(f.allSlots(), f.absent, payload, ttl, life)
		noteStored(span, f.sharedStored)
	}
}

// mostShared is how many bytes a value may have in the layer that replicas share: a larger one would keep that layer
// from everything else for too long.
const mostShared = 8 << 20

// encode returns the flight's value as bytes, and whether its codec could make them, and not too many. A codec that
// panics could not: the value is kept near alone.
func (f *flight) encode() (payload []byte, encoded bool) {
	defer func() {
		if recover() != nil {
			encoded = false
		}
		if !encoded {
			f.meter.unencoded.Inc()
		}
	}()
	payload, err := f.options.Codec.Encode(f.value)
	return payload, err == nil && len(payload) <= mostShared
}

// decode returns the value of bytes, and whether the codec could read them. A codec that panics could not.
func decode(codec Codec, payload []byte) (value any, decoded bool) {
	defer func() {
		if recover() != nil {
			decoded = false
		}
	}()
	value, err := codec.Decode(payload)
	return value, err == nil
}

// typed is a loader's codec, which returns no value of another type than the loader's.
type typed[V any] struct{ Codec }

func (t typed[V]) Decode(b []byte) (any, error) {
	value, err := t.Codec.Decode(b)
	if _, ok := value.(V); err == nil && !ok && value != nil {
		err = fmt.Errorf("cache: the codec decodes to %T, and the loader's values are %T", value, *new(V))
	}
	return value, err
}

// jsonCodec is the codec of loaders that name none.
type jsonCodec[V any] struct{}

func (jsonCodec[V]) Encode(value any) ([]byte, error) { return json.Marshal(value) }

func (jsonCodec[V]) Decode(b []byte) (any, error) {
	var v V
	err := json.Unmarshal(b, &v)
	return v, err
}
