package cache_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/cluster"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// TestHitsAllocateLittle holds what a hit allocates: near nothing, however the cache is set, and in Redis as little as
// its client lets it.
func TestHitsAllocateLittle(t *testing.T) {
	load := plain(func() (int64, error) { return 7, nil })
	allocs := func(c *cache.Cache, o cache.Options) float64 {
		l := mustLoader[int64](t, c, o)
		key := l.Key("1")
		get(t, l, key, tags, load)
		return testing.AllocsPerRun(1000, func() { l.Get(t.Context(), key, tags, load) })
	}
	for name, n := range map[string]float64{
		"plainly": allocs(mustNew(t, cache.Config{}), cache.Options{}),
		"with all that it has": allocs(mustNew(t, cache.Config{KeepTags: true}),
			cache.Options{Jitter: 0.1, RefreshAhead: 0.9, TTL: time.Hour}),
	} {
		if n > 0 {
			t.Errorf("a near hit allocates %v times %s, want never", n, name)
		}
	}
	c := mustNew(t, cache.Config{NoNear: true, Cluster: &cluster.Config{
		Redis: &redis.UniversalOptions{Addrs: []string{servertest.MustStartRedis(t).Addr}}, Ledger: &fakeLedger{},
		Lease: 10 * time.Second, Timeout: 10 * time.Second,
	}})
	t.Cleanup(c.Close)
	mustHaveLease(t, c)
	n := allocs(c, cache.Options{})
	if counted := c.Stats().Loaders[0]; counted.SharedHits < 1000 {
		t.Fatalf("%d of the reads were hits in Redis", counted.SharedHits)
	}
	if n > 12 {
		t.Errorf("a hit in Redis allocates %v times, want 12 at most", n)
	}
	t.Logf("a hit in Redis allocates %v times", n)
}
