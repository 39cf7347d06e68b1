package cache

import (
	"context"
	"errors"
	"sync"
)

// ErrOwnKey is the error of a load that asked for a key which is being loaded for it, directly or through other loads
// that had its ctx, or whose load waits for it, as that of another caller may: it would wait for itself.
var ErrOwnKey = errors.New("cache: a load asked for its own key")

type loadingKey struct{}

// place is a key of a cache.
type place struct {
	cache *Cache
	key   string
}

// loading is a key that is being loaded, and the one that it is loaded for.
type loading struct {
	place
	outer *loading
}

// loading returns the ctx of a load of keys.
func (c *Cache) loading(ctx context.Context, keys ...string) context.Context {
	l := loadingOf(ctx)
	for _, key := range keys {
		l = &loading{place{c, key}, l}
	}
	return context.WithValue(ctx, loadingKey{}, l)
}

// loadingOf returns what is being loaded with a ctx; nil for nothing.
func loadingOf(ctx context.Context) *loading {
	l, _ := ctx.Value(loadingKey{}).(*loading)
	return l
}

// apart returns the ctx of a load that nobody's load waits for, though it was begun by one.
func apart(ctx context.Context) context.Context {
	if loadingOf(ctx) == nil {
		return ctx
	}
	return context.WithValue(ctx, loadingKey{}, (*loading)(nil))
}

// isFor reports whether a load is one of a place, or made for it.
func (l *loading) isFor(p place) bool {
	for ; l != nil; l = l.outer {
		if l.place == p {
			return true
		}
	}
	return false
}

// waits is which places the loads of a place wait for, and how often: of all caches, since a load may ask another one.
var waits = struct {
	mu sync.Mutex
	on map[place]map[place]int
}{on: map[place]map[place]int{}}

// waitFor notes that the load whose ctx this is, and all that it is made for, wait for a key until done is called. It
// returns ErrOwnKey, and notes nothing, where the key is one of theirs, or its load waits for one of them.
func (c *Cache) waitFor(ctx context.Context, key string) (done func(), err error) {
	inner := loadingOf(ctx)
	if inner == nil {
		return func() {}, nil
	}
	p := place{c, key}
	waits.mu.Lock()
	defer waits.mu.Unlock()
	if leadsTo(p, inner, map[place]bool{}) {
		return nil, ErrOwnKey
	}
	for l := inner; l != nil; l = l.outer {
		if waits.on[l.place] == nil {
			waits.on[l.place] = map[place]int{}
		}
		waits.on[l.place][p]++
	}
	return func() {
		waits.mu.Lock()
		defer waits.mu.Unlock()
		for l := inner; l != nil; l = l.outer {
			on := waits.on[l.place]
			if on[p]--; on[p] == 0 {
				delete(on, p)
			}
			if len(on) == 0 {
				delete(waits.on, l.place)
			}
		}
	}, nil
}

// leadsTo reports whether a place is one that a load is for, or waits for one, however many are between. The waits are
// locked.
func leadsTo(p place, inner *loading, seen map[place]bool) bool {
	if inner.isFor(p) {
		return true
	}
	seen[p] = true
	for on := range waits.on[p] {
		if !seen[on] && leadsTo(on, inner, seen) {
			return true
		}
	}
	return false
}
