package cache

import (
	"context"
	"errors"
)

// ErrOwnKey is the error of a load that asked for a key which is being loaded for it, directly or through other loads
// that had its ctx: it would wait for itself.
var ErrOwnKey = errors.New("cache: a load asked for its own key")

type loadingKey struct{}

// loading is a key that is being loaded, and the one that it is loaded for.
type loading struct {
	cache *Cache
	key   string
	outer *loading
}

// loading returns the ctx of a load of keys.
func (c *Cache) loading(ctx context.Context, keys ...string) context.Context {
	l, _ := ctx.Value(loadingKey{}).(*loading)
	for _, key := range keys {
		l = &loading{c, key, l}
	}
	return context.WithValue(ctx, loadingKey{}, l)
}

// isLoading reports whether ctx is that of a load of the key, or of one that is made for it.
func (c *Cache) isLoading(ctx context.Context, key string) bool {
	for l, _ := ctx.Value(loadingKey{}).(*loading); l != nil; l = l.outer {
		if l.cache == c && l.key == key {
			return true
		}
	}
	return false
}
