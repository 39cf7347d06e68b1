package cache_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/cache"
)

func mustNew(t testing.TB, cfg cache.Config) *cache.Cache {
	t.Helper()
	c, err := cache.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func mustLoader[V any](t testing.TB, c *cache.Cache, o cache.Options) *cache.Loader[V] {
	t.Helper()
	if o.Name == "" {
		o.Name = "test"
	}
	if o.TTL == 0 {
		o.TTL = time.Minute
	}
	l, err := cache.NewLoader[V](c, o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// truth is a database of one row: what it says is right.
type truth struct{ version atomic.Int64 }

func (d *truth) read() int64  { return d.version.Load() }
func (d *truth) write() int64 { return d.version.Add(1) }

// slowLoad is a load that can be held between its read and its return.
type slowLoad struct {
	read    chan struct{} // closed by the load once it has read
	release chan struct{} // closed by the test to let it return
}

func newSlowLoad() *slowLoad {
	return &slowLoad{make(chan struct{}), make(chan struct{})}
}

// of reads a value and returns it only when it is released.
func (s *slowLoad) of(read func() (int64, error), afterwards func(*cache.Fill)) cache.Load[int64] {
	return func(_ context.Context, fill *cache.Fill) (int64, error) {
		v, err := read()
		close(s.read)
		<-s.release
		if afterwards != nil {
			afterwards(fill)
		}
		return v, err
	}
}

// plain returns a load that reads and returns.
func plain(read func() (int64, error)) cache.Load[int64] {
	return func(context.Context, *cache.Fill) (int64, error) { return read() }
}

func get(t testing.TB, l *cache.Loader[int64], key string, tags []string, load cache.Load[int64]) (int64, cache.Info) {
	t.Helper()
	v, info, err := l.Get(context.Background(), key, tags, load)
	if err != nil {
		t.Error(err) // and not Fatal: callers wait for it in goroutines of their own
	}
	return v, info
}
