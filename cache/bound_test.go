package cache_test

import (
	"context"
	"flag"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/cache"
)

// fewHeapKeys are what the race detector can take in a few seconds; make long has many more, without it.
const fewHeapKeys = 15_000

var heapKeys = flag.Int("heap-keys", fewHeapKeys, "how many keys the heap is weighed with")

// TestHeapStaysWithinTheBound fills the near cache with keys of which it can hold a fraction, a
// third and then a hundredth, and weighs the live heap: it may be a tenth above the bound.
func TestHeapStaysWithinTheBound(t *testing.T) {
	for _, space := range []struct{ valueBytes, times int }{{0, 3}, {100, 3}, {1000, 3}, {1000, 100}} {
		t.Run(fmt.Sprintf("%d bytes a value, %d times the cache", space.valueBytes, space.times), func(t *testing.T) {
			// Fewer than 500 entries would weigh less than what else is on the heap.
			keys, size := max(*heapKeys, 500*space.times), space.valueBytes
			bound := int64(keys / space.times * (overhead + size))
			c := mustNew(t, cache.Config{MaxBytes: bound})
			l := mustLoader[[]byte](t, c, cache.Options{})
			empty := heap()
			for i := range keys {
				_, _, err := l.Get(context.Background(), l.Key("/api/products/", fmt.Sprint(i)),
					[]string{fmt.Sprint("product:", i)},
					func(_ context.Context, fill *cache.Fill) ([]byte, error) {
						fill.Bytes(size)
						return make([]byte, size), nil
					})
				if err != nil {
					t.Fatal(err)
				}
			}
			// It evicts in the background.
			most, entries := keys/space.times, c.Stats().Entries
			deadline := time.Now().Add(10 * time.Second)
			for ; entries > most && time.Now().Before(deadline); entries = c.Stats().Entries {
				time.Sleep(time.Millisecond)
			}
			grown := heap() - empty
			if grown > bound*11/10 {
				t.Errorf("the live heap grew by %d bytes with %d entries, want at most %d", grown, entries, bound*11/10)
			}
			if entries < most*8/10 || entries > most {
				t.Errorf("%d entries after %d keys, want about one in %d", entries, keys, space.times)
			}
			t.Logf("%d entries in %d bytes of live heap", entries, grown)
			runtime.KeepAlive(c)
		})
	}
}

// overhead is about what an entry here is counted as beside its value, its key and tag included.
const overhead = 350

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
