package cache_test

import (
	"runtime"
	"testing"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// failing is a codec whose Encode fails in a way of its own.
type failing struct{ fail func() }

func (f failing) Encode(any) ([]byte, error) { f.fail(); return nil, nil }
func (failing) Decode([]byte) (any, error)   { return int64(0), nil }

// TestACodecThatFails holds that a value which cannot be encoded is returned and kept near, that the process goes on,
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
