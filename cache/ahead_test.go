package cache_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// TestHotKeysNeverBlockWhereNothingIsNear reads a key for three TTLs by two replicas without a near cache. It checks
// that every read finds a value, and that no value is replaced before it is due: one replica replaces it and the other
// does not.
func TestHotKeysNeverBlockWhereNothingIsNear(t *testing.T) {
	// A machine may stall for as long as there is from when a value is due: more than two thirds of its TTL.
	const ttl, earliest = 6 * time.Second, 1200 * time.Millisecond // RefreshAhead less a tenth
	server, ledger := servertest.MustStartRedis(t), &fakeLedger{}
	var mu sync.Mutex
	var loads []time.Time
	load := func(context.Context, *cache.Fill) (int64, error) {
		mu.Lock()
		defer mu.Unlock()
		loads = append(loads, time.Now())
		return int64(len(loads)), nil
	}
	var loaders []*cache.Loader[int64]
	for range 2 {
		c := mustJoinOn(t, server, ledger, true)
		loaders = append(loaders, mustLoader[int64](t, c, cache.Options{TTL: ttl, RefreshAhead: 0.3}))
	}
	get(t, loaders[0], key, tags, load)
	var readers sync.WaitGroup
	for _, l := range loaders {
		readers.Go(func() {
			for end := time.Now().Add(3 * ttl); time.Now().Before(end) && !t.Failed(); time.Sleep(time.Millisecond) {
				if v, info := get(t, l, key, tags, load); info.Shared != cache.SharedHit || info.TTL <= 0 {
					t.Errorf("a reader of %d waited, or its value's time was over: %+v", v, info)
				}
			}
		})
	}
	readers.Wait()
	mu.Lock()
	defer mu.Unlock()
	for i := range loads[1:] {
		if apart := loads[i+1].Sub(loads[i]); apart < earliest-10*time.Millisecond {
			t.Errorf("load %d came %v after the one before, want %v at least", i+1, apart, earliest)
		}
	}
	if len(loads) < 3 {
		t.Errorf("%d loads in three TTLs", len(loads))
	}
	t.Logf("%d loads", len(loads))
}

// TestAFailedRefreshAfar checks that the value stays when its refresh fails, and that the next try comes when half of
// the time that it has left is over, and not before.
func TestAFailedRefreshAfar(t *testing.T) {
	const ttl = 12 * time.Second // a machine may stall for a part of it
	c := mustJoinOn(t, servertest.MustStartRedis(t), &fakeLedger{}, true)
	l := mustLoader[int64](t, c, cache.Options{TTL: ttl, RefreshAhead: 0.1})
	get(t, l, key, tags, plain(func() (int64, error) { return 7, nil }))
	var failed atomic.Int64
	var first, second time.Duration // that the value had left
	for failed.Load() < 2 {
		v, info := get(t, l, key, tags, func(context.Context, *cache.Fill) (int64, error) {
			failed.Add(1)
			return 0, errAway
		})
		if v != 7 || info.Shared != cache.SharedHit || info.Stale {
			t.Fatalf("a reader got %d, %+v; want the value that is there", v, info)
		}
		if info.Due {
			first, second = second, info.TTL
		}
		time.Sleep(time.Millisecond)
	}
	if half := first / 2; second > half+50*time.Millisecond {
		t.Errorf("a refresh failed with %v left, and the next was tried with %v left; want half of it at most",
			first, second)
	}
}

// 1. A value that is not near is due, and its refresh reads old. 2. A write commits, invalidates and is acknowledged.
// 3. The refresh stores old. (fence)
func TestRefreshAfarThatReadOld(t *testing.T) {
	server, ledger := servertest.MustStartRedis(t), &fakeLedger{}
	reader, writer := mustJoinOn(t, server, ledger, true), mustJoinOn(t, server, ledger, true)
	l := mustLoader[int64](t, reader, cache.Options{TTL: 10 * time.Second, RefreshAhead: 0.1})
	var db truth
	get(t, l, key, tags, plain(func() (int64, error) { return db.read(), nil }))
	slow := newSlowLoad()
	load := slow.of(func() (int64, error) { return db.read(), nil }, nil)
	for begun := false; !begun; time.Sleep(time.Millisecond) {
		if _, info := get(t, l, key, tags, load); info.Shared != cache.SharedHit {
			t.Fatalf("a reader waited: %+v", info)
		}
		select {
		case <-slow.read:
			begun = true
		default:
		}
	}
	if _, info := get(t, l, key, tags, load); info.Shared != cache.SharedHit {
		t.Errorf("a reader waited for the refresh: %+v", info)
	}
	db.write()
	if err := writer.Invalidate("row"); err != nil {
		t.Fatal(err)
	}
	late := read(t.Context(), l, tags, plain(func() (int64, error) { return db.read(), nil }))
	for reader.Stats().Waiting == 0 && len(late) == 0 {
		time.Sleep(time.Millisecond)
	}
	close(slow.release)
	if got := <-late; got.v != db.read() || got.err != nil {
		t.Errorf("a reader from after the write got %+v, want version %d", got, db.read())
	}
	wantFresh(t, l, &db)
}

// TestAHitInRedisAllocatesLittle checks that a value may be due at no cost.
func TestAHitInRedisAllocatesLittle(t *testing.T) {
	c := mustJoinOn(t, servertest.MustStartRedis(t), &fakeLedger{}, true)
	l := mustLoader[int64](t, c, cache.Options{
		TTL: time.Hour, RefreshAhead: 0.5, MaxStale: time.Hour, SoftTimeout: time.Second, HardTimeout: time.Minute,
	})
	load := plain(func() (int64, error) { return 7, nil })
	get(t, l, key, tags, load)
	hits := c.Stats().Loaders[0].SharedHits
	n := testing.AllocsPerRun(1000, func() { l.Get(t.Context(), key, tags, load) })
	if got := c.Stats().Loaders[0].SharedHits - hits; got < 1000 || n > 12 {
		t.Errorf("%d hits in Redis allocate %v times each, want 12 at most", got, n)
	}
	t.Logf("%v allocations", n)
}

// TestANearHitAllocatesNothing checks it with all that a loader may have.
func TestANearHitAllocatesNothing(t *testing.T) {
	c := mustNew(t, cache.Config{KeepTags: true})
	l := mustLoader[int64](t, c, cache.Options{
		TTL: time.Hour, Jitter: 0.1, RefreshAhead: 0.9, MaxStale: time.Hour, SoftTimeout: time.Second,
		HardTimeout: time.Minute,
	})
	load := plain(func() (int64, error) { return 7, nil })
	get(t, l, key, tags, load)
	if n := testing.AllocsPerRun(1000, func() { l.Get(t.Context(), key, tags, load) }); n > 0 {
		t.Errorf("a near hit allocates %v times", n)
	}
}
