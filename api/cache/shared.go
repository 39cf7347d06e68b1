package cache

import (
	"context"
	"encoding/json"

	"github.com/woodytoys/woodytoys/api/cache/internal/cluster"
)

// fetch looks for a flight's value in the layer that replicas share. Without one, it returns the lease to
// fill it for all; or nil, when that layer cannot be used now.
func (c *Cache) fetch(ctx context.Context, f *flight, fill *Fill) *cluster.FillLease {
	var old cluster.Token
	if f.ahead != nil {
		old = f.ahead.id
	}
	found, lease := c.node.Fetch(ctx, f.key, old, f.lookup)
	if found != nil && !f.take(found, fill) {
		found, lease = c.node.Fetch(ctx, f.key, found.ID, nil) // it cannot be read: it is to be replaced
		if found != nil && !f.take(found, fill) {
			found = nil
		}
	}
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

// foundOverhead is what a value that came as bytes takes beside them, near enough.
const foundOverhead = 256

// take makes a found value the flight's. It returns false when its codec cannot read it.
func (f *flight) take(found *cluster.Found, fill *Fill) (taken bool) {
	defer func() {
		if recover() != nil {
			taken = false
		}
	}()
	value, err := f.options.Codec.Decode(found.Payload)
	if err != nil {
		return false
	}
	f.found, f.value, f.absent, f.id = found, value, found.Absent, found.ID
	fill.slots = found.Slots
	fill.bytes = int64(len(found.Payload)) + foundOverhead
	return true
}

// share ends a fill lease: with the value, where it may be kept, and without one whatever happens before. An absence that is
// an error stays here: an error is no value that a codec knows.
func (c *Cache) share(f *flight, fill *Fill, lease *cluster.FillLease) {
	if lease == nil {
		return
	}
	ended := false
	defer func() {
		if !ended {
			lease.Release()
		}
	}()
	f.late = fill.slots
	ttl := f.ttl(fill)
	if f.err != nil || ttl <= 0 {
		return
	}
	if payload, encoded := f.encode(); encoded {
		ended = true
		f.sharedStored = lease.Store(f.allSlots(), f.absent, payload, ttl)
	}
}

// encode returns the flight's value as bytes, and whether its codec could make them. A codec that panics could not: the
// value is kept near alone.
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
	return payload, err == nil
}

// jsonCodec is the codec of loaders that name none.
type jsonCodec[V any] struct{}

func (jsonCodec[V]) Encode(value any) ([]byte, error) { return json.Marshal(value) }

func (jsonCodec[V]) Decode(b []byte) (any, error) {
	var v V
	err := json.Unmarshal(b, &v)
	return v, err
}
