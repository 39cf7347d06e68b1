package main

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/dgraph-io/ristretto"
	"github.com/maypok86/otter/v2"
)

// BenchmarkNearLibraries is how the near cache's library was chosen: hits by a Zipf law on 100,000
// keys, on all cores. "draw" is what drawing the keys costs alone.
func BenchmarkNearLibraries(b *testing.B) {
	const keys = 100_000
	names := make([]string, keys)
	for i := range names {
		names[i] = fmt.Sprintf("product\x00\x00/api/products/%d\x00\x00json", i)
	}
	value := new([64]byte)
	hits := func(b *testing.B, get func(key string)) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			zipf := rand.NewZipf(rand.New(rand.NewPCG(1, 2)), 1.1, 1, keys-1)
			for pb.Next() {
				get(names[zipf.Uint64()])
			}
		})
	}
	b.Run("draw", func(b *testing.B) { hits(b, func(string) {}) })
	b.Run("otter", func(b *testing.B) {
		c := otter.Must(&otter.Options[string, *[64]byte]{
			MaximumWeight: 1 << 30, Weigher: func(string, *[64]byte) uint32 { return 300 },
		})
		for _, name := range names {
			c.Set(name, value)
		}
		hits(b, func(key string) { c.GetIfPresent(key) })
	})
	b.Run("ristretto", func(b *testing.B) {
		c, err := ristretto.NewCache(&ristretto.Config{NumCounters: 10 * keys, MaxCost: 1 << 30, BufferItems: 64})
		if err != nil {
			b.Fatal(err)
		}
		for _, name := range names {
			c.Set(name, value, 300)
		}
		c.Wait()
		hits(b, func(key string) { c.Get(key) })
	})
}
