package cache

import (
	"context"

	"github.com/eko/gocache/lib/v4/store"
	"github.com/maypok86/otter/v2"
)

// entryStore is where entries are. It may lose any entry at any time.
type entryStore interface {
	get(key string) *entry // nil when it is not there
	// look is like get, but does not count as a use of the entry.
	look(key string) *entry
	set(key string, e *entry)
	remove(key string)
	// clear drops all entries, unless the store may hold those of others.
	clear()
	// keys returns some keys, up to most of them; nil where it cannot.
	keys(most int) []string
	// usage is how many entries there are and their bytes, as far as that is known.
	usage() (entries int, bytes uint64)
}

// put stores an entry in the near cache.
func (c *Cache) put(key string, e *entry) {
	e.came = c.clock.now()
	c.entries.set(key, e)
}

// near is the near cache: otter's W-TinyLFU, bounded by bytes. It stands beside gocache's store
// interface and not behind it, because a key in an interface value is an allocation for each read.
type near struct{ entries *otter.Cache[string, *entry] }

func newNear(maxBytes int64, evicted func()) (*near, error) {
	entries, err := otter.New(&otter.Options[string, *entry]{
		MaximumWeight: uint64(maxBytes),
		Weigher:       func(_ string, e *entry) uint32 { return uint32(min(e.size, 1<<32-1)) },
		OnAtomicDeletion: func(e otter.DeletionEvent[string, *entry]) { // a StatsRecorder would be called for each read
			if e.WasEvicted() {
				evicted()
			}
		},
	})
	return &near{entries}, err
}

func (n *near) get(key string) *entry {
	e, _ := n.entries.GetIfPresent(key)
	return e
}

func (n *near) look(key string) *entry {
	e, _ := n.entries.GetEntryQuietly(key)
	return e.Value
}

func (n *near) set(key string, e *entry) { n.entries.Set(key, e) }
func (n *near) remove(key string)        { n.entries.Invalidate(key) }
func (n *near) clear()                   { n.entries.InvalidateAll() }

func (n *near) keys(most int) (keys []string) {
	if most <= 0 {
		return nil
	}
	for key := range n.entries.Keys() {
		if keys = append(keys, key); len(keys) >= most {
			break
		}
	}
	return keys
}

func (n *near) usage() (int, uint64) { return n.entries.EstimatedSize(), n.entries.WeightedSize() }

// noEntries stores nothing.
type noEntries struct{}

func (noEntries) get(string) *entry    { return nil }
func (noEntries) look(string) *entry   { return nil }
func (noEntries) set(string, *entry)   {}
func (noEntries) remove(string)        {}
func (noEntries) clear()               {}
func (noEntries) keys(int) []string    { return nil }
func (noEntries) usage() (int, uint64) { return 0, 0 }

// plugged stores entries in somebody's gocache store. An error of the store is an entry that is not
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

// look is like get: gocache's stores have no other way to read.
func (p plugged) look(key string) *entry { return p.get(key) }

func (p plugged) set(key string, e *entry) {
	_ = p.store.Set(context.Background(), key, e, store.WithCost(e.size))
}

func (p plugged) remove(key string) { _ = p.store.Delete(context.Background(), key) }

// clear leaves the entries where they are: the store may have others than this cache's, and gocache's Clear takes them
// along.
func (p plugged) clear() {}

func (p plugged) keys(int) []string { return nil }

func (p plugged) usage() (int, uint64) { return 0, 0 }
