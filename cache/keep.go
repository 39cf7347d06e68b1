package cache

import (
	"context"

	"github.com/eko/gocache/lib/v4/store"
	"github.com/maypok86/otter/v2"
	"github.com/maypok86/otter/v2/stats"
)

// keep is where entries are. It may lose any entry at any time.
type keep interface {
	get(key string) *entry // nil when it is not there
	set(key string, e *entry)
	remove(key string)
	// clear drops all entries, where that is nobody else's concern.
	clear()
	// usage is how many entries there are and their bytes, as far as the keep knows.
	usage() (entries int, bytes uint64)
}

// near is the near cache: otter's W-TinyLFU, bounded by bytes. It stands beside gocache's store
// interface and not behind it, because a key in an interface value is an allocation for each read.
type near struct{ entries *otter.Cache[string, *entry] }

func newNear(maxBytes int64, evicted func()) (*near, error) {
	entries, err := otter.New(&otter.Options[string, *entry]{
		MaximumWeight: uint64(maxBytes),
		Weigher:       func(_ string, e *entry) uint32 { return uint32(min(e.size, 1<<32-1)) },
		StatsRecorder: &evictions{evicted: evicted},
	})
	return &near{entries}, err
}

// evictions hears of otter's evictions and of nothing else.
type evictions struct {
	stats.NoopRecorder
	evicted func()
}

// RecordEviction implements stats.Recorder.
func (e *evictions) RecordEviction(uint32) { e.evicted() }

func (n *near) get(key string) *entry {
	e, _ := n.entries.GetIfPresent(key)
	return e
}

func (n *near) set(key string, e *entry) { n.entries.Set(key, e) }
func (n *near) remove(key string)        { n.entries.Invalidate(key) }
func (n *near) clear()                   { n.entries.InvalidateAll() }

func (n *near) usage() (int, uint64) { return n.entries.EstimatedSize(), n.entries.WeightedSize() }

// nothing keeps nothing.
type nothing struct{}

func (nothing) get(string) *entry    { return nil }
func (nothing) set(string, *entry)   {}
func (nothing) remove(string)        {}
func (nothing) clear()               {}
func (nothing) usage() (int, uint64) { return 0, 0 }

// plugged keeps entries in somebody's gocache store. An error of the store is an entry that is not
// there: the value is loaded again. Invalidation never depends on the store: an entry that it
// hands back too late fails its fence.
type plugged struct{ store store.StoreInterface }

func (p plugged) get(key string) *entry {
	value, err := p.store.Get(context.Background(), key)
	if err != nil {
		return nil
	}
	e, _ := value.(*entry)
	return e
}

func (p plugged) set(key string, e *entry) {
	_ = p.store.Set(context.Background(), key, e, store.WithCost(e.size))
}

func (p plugged) remove(key string) { _ = p.store.Delete(context.Background(), key) }

// clear leaves the entries where they are: the store may have others than this cache's, and gocache's Clear takes them
// along.
func (p plugged) clear() {}

func (p plugged) usage() (int, uint64) { return 0, 0 }
