package cache

import (
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/woodytoys/woodytoys/cache/internal/fence"
	"github.com/woodytoys/woodytoys/cache/internal/layer"
)

// entry is a kept value. All of it but refresh and refreshing is written once.
type entry struct {
	value any
	err   error // the error that an absence returns; nil for a value

	fence fence.Stamp
	slots []uint16    // the slots of its tags
	id    layer.Token // the fill's token, if replicas share the entry

	expires    int64        // on the cache's clock, like refresh
	refresh    atomic.Int64 // when to load it again ahead of that; zero for never
	refreshing atomic.Bool
	absent     bool // it stands for something that is not there

	size int64
	came int64     // when it was stored, on the cache's clock
	tags *[]string // nil where they are not kept by name
}

// refreshLater makes an entry due again when half of the time that is left has gone, after a refresh failed.
func (e *entry) refreshLater(now int64) {
	e.refresh.Store(now + max(e.expires-now, 0)/2)
	e.refreshing.Store(false)
}

// overhead is what an entry costs beside its key, its value and its tags: the entry itself, the
// value's headers, and the near cache's node and place in the table. Measured, and held by
// TestHeapStaysWithinTheBound.
const overhead = 330

func sizeOf(key string, slots []uint16, value int64) int64 {
	return overhead + int64(len(key)) + 2*int64(len(slots)) + value
}

// sizeOfTags returns what tags by name cost, and where they stand.
func sizeOfTags(tags []string) int64 {
	size := int64(unsafe.Sizeof(tags)) + int64(cap(tags))*int64(unsafe.Sizeof(""))
	for _, tag := range tags {
		size += int64(len(tag))
	}
	return size
}

// clock is time in nanoseconds since the cache was made, from a monotonic reading.
type clock struct{ began time.Time }

func (c clock) now() int64 { return int64(time.Since(c.began)) }
