package cache_test

import (
	"context"
	"runtime"
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// failing is a codec whose Encode fails in a way of its own.
type failing struct{ fail func() }

func (f failing) Encode(any) ([]byte, error) { f.fail(); return nil, nil }
func (failing) Decode([]byte) (any, error)   { return int64(0), nil }

// ending is a codec that ends the goroutine which reads with it.
type ending struct{}

func (ending) Encode(any) ([]byte, error) { return []byte("7"), nil }
func (ending) Decode([]byte) (any, error) { runtime.Goexit(); return nil, nil }

// TestACodecThatEndsAFlight checks that a value which could not be read for that reason is neither returned nor kept.
func TestACodecThatEndsAFlight(t *testing.T) {
	c := mustJoin(t, servertest.MustStartRedis(t))
	l := mustLoader[int64](t, c, cache.Options{Codec: ending{}})
	load := plain(func() (int64, error) { return 7, nil })
	get(t, l, key, tags, load)
	l.Forget(key)
	v, info, err := l.Fill(t.Context(), key, tags, load, cache.Info{Reason: cache.Unknown})
	if err == nil || info.Stored {
		t.Errorf("got %d, %+v, %v; want an error", v, info, err)
	}
	if v, info, err := l.Peek(key); info.Reason == cache.Hit {
		t.Errorf("%d, %v was kept", v, err)
	}
}

// pointing is a codec of a loader of numbers, which decodes to pointers to them.
type pointing struct{}

func (pointing) Encode(any) ([]byte, error) { return []byte("7"), nil }
func (pointing) Decode([]byte) (any, error) { return new(int64), nil }

// TestACodecOfAnotherType checks that a value which was decoded to another type than the loader's is loaded instead.
func TestACodecOfAnotherType(t *testing.T) {
	c := mustJoin(t, servertest.MustStartRedis(t))
	l := mustLoader[int64](t, c, cache.Options{Codec: pointing{}})
	load := plain(func() (int64, error) { return 7, nil })
	for range 2 {
		if v, info := get(t, l, key, tags, load); v != 7 || info.Shared == cache.SharedHit {
			t.Errorf("got %d, %+v; want 7, loaded", v, info)
		}
		l.Forget(key)
	}
}

// TestAValueThatIsTooLarge checks that a value which is too large for the layer that replicas share is kept near, and
// that no replica waits for it.
func TestAValueThatIsTooLarge(t *testing.T) {
	c := mustJoin(t, servertest.MustStartRedis(t))
	l := mustLoader[string](t, c, cache.Options{})
	large := strings.Repeat("a", 8<<20)
	load := func(context.Context, *cache.Fill) (string, error) { return large, nil }
	for range 2 {
		if v, info, err := l.Get(t.Context(), key, tags, load); v != large || info.SharedStored || err != nil {
			t.Errorf("got %d bytes, stored in Redis: %v, %v", len(v), info.SharedStored, err)
		}
		l.Forget(key) // with FillLease an hour, the next one would wait if the lease were held
	}
	if got := c.Stats().Loaders[0].Unencoded; got != 2 {
		t.Errorf("%d values are counted as unencoded, want 2", got)
	}
}

// TestACodecThatFails checks that a value which cannot be encoded is returned and kept near, that the process goes on,
// and that no replica waits for it.
func TestACodecThatFails(t *testing.T) {
	server := servertest.MustStartRedis(t)
	for name, fail := range map[string]func(){
		"panics":             func() { var none *int; *none++ },
		"ends its goroutine": runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			c := mustJoin(t, server)
			l := mustLoader[int64](t, c, cache.Options{Codec: failing{fail}})
			load := plain(func() (int64, error) { return 7, nil })
			for range 2 {
				if v, info := get(t, l, key, tags, load); v != 7 || info.SharedStored {
					t.Errorf("got %d, stored in Redis: %v; want 7, kept near alone", v, info.SharedStored)
				}
				l.Forget(key) // with FillLease an hour, the next one would wait if the lease were held
			}
			if got := c.Stats().Loaders[0].Unencoded; got != 2 {
				t.Errorf("%d values are counted as unencoded, want 2", got)
			}
		})
	}
}
