package cache

import (
	"math/rand/v2"
	"time"

	"github.com/woodytoys/woodytoys/cache/internal/fence"
	"github.com/woodytoys/woodytoys/cache/internal/layer"
)

// outcome is what came of a load, or of looking for the value in the layer that replicas share.
type outcome struct {
	value  any
	err    error
	absent bool
	fill   Fill    // what the load declared about it
	drawn  float64 // from 0 to 1, when the load returned: how much of its Jitter a value gets

	found        *layer.Found // the value found in the layer that replicas share
	id           layer.Token  // the fill's token, if it is stored there
	shared       Shared
	sharedStored bool

	entry   *entry // nil when it was not stored
	failed  bool   // the load failed with an error for which a stale value may stand in
	lateOff bool   // a tag that the load named was invalidated while it ran
}

// judge decides what a load that has returned brought: a value, an absence or an error.
func (o *outcome) judge(options *Options) {
	o.drawn = rand.Float64()
	o.absent = o.err != nil && options.Absent != nil && options.Absent(o.err) || o.err == nil && o.fill.absent
}

// lives returns how long the outcome may be served as good, its ttl, and how long it is kept: its life, which is that
// of a value and MaxStale. They are the same for the near cache and for the layer that replicas share, and whenever
// they are asked for. Both are zero where nothing is kept: for errors, but those that mean absence.
func (o *outcome) lives(options *Options) (ttl, life time.Duration) {
	switch {
	case o.fill.skip:
		return 0, 0
	case o.absent:
		ttl = o.fill.bound(options.NegativeTTL)
		return ttl, ttl
	case o.err != nil:
		return 0, 0
	}
	ttl = o.fill.bound(options.TTL)
	ttl -= time.Duration(options.Jitter * o.drawn * float64(ttl))
	if ttl <= 0 {
		return 0, 0
	}
	return ttl, ttl + options.MaxStale
}

// entryOf makes an entry that may be served until it expires, while its fence holds.
func (o *outcome) entryOf(key string, options *Options, fence fence.Stamp, slots []uint16, expires int64) *entry {
	e := &entry{value: o.value, err: o.err, fence: fence, slots: slots, id: o.id, expires: expires, absent: o.absent}
	e.size = sizeOf(key, slots, o.fill.bytes)
	if o.found == nil && o.fill.tags != nil {
		e.tags = o.fill.tags
		e.size += sizeOfTags(*e.tags)
	}
	if ahead := options.RefreshAhead; ahead > 0 && !o.absent {
		ttl, _ := o.lives(options)
		e.refresh.Store(max(1, e.expires-int64(float64(ttl)*(1-ahead+(rand.Float64()-0.5)/5))))
	}
	return e
}

// foundOverhead is what a value that came as bytes takes beside them, near enough.
const foundOverhead = 256

// take makes a found value the outcome. It returns false when the codec cannot read it.
func (o *outcome) take(found *layer.Found, codec Codec) bool {
	value, decoded := decode(codec, found.Payload)
	if decoded {
		o.found, o.value, o.absent, o.id = found, value, found.Absent, found.ID
		o.fill.slots = layer.UnpackSlots(found.Slots)
		o.fill.bytes = int64(len(found.Payload)) + foundOverhead
	}
	return decoded
}
