package cache_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/stats"
)

func TestTTLAndReasons(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := mustNew(t, cache.Config{})
		l := mustLoader[int64](t, c, cache.Options{TTL: 10 * time.Second})
		load := plain(func() (int64, error) { return 7, nil })
		var reasons []cache.Reason
		read := func() { _, info := get(t, l, key, tags, load); reasons = append(reasons, info.Reason) }
		read()
		time.Sleep(9 * time.Second)
		read()
		time.Sleep(time.Second)
		read()
		c.Invalidate("row")
		read()
		read()
		want := []cache.Reason{cache.Unknown, cache.Hit, cache.Expired, cache.Invalidated, cache.Hit}
		if !slices.Equal(reasons, want) {
			t.Errorf("reasons = %v, want %v", reasons, want)
		}
		if _, info := get(t, l, key, tags, load); info.TTL != 10*time.Second {
			t.Errorf("ttl = %v, want 10s", info.TTL)
		}
	})
}

func TestNegativeAnswersAreKeptForAWhileAndUntilCreation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := mustNew(t, cache.Config{})
		gone := errors.New("there is none")
		l := mustLoader[int64](t, c, cache.Options{
			TTL: time.Minute, NegativeTTL: time.Second, Absent: func(err error) bool { return errors.Is(err, gone) },
		})
		loads := 0
		read := func() error {
			_, _, err := l.Get(t.Context(), key, tags, plain(func() (int64, error) { loads++; return 0, gone }))
			return err
		}
		for range 3 {
			if err := read(); !errors.Is(err, gone) {
				t.Errorf("got %v, want absence", err)
			}
		}
		if loads != 1 {
			t.Errorf("%d loads, want 1: the absence is kept", loads)
		}
		time.Sleep(time.Second)
		read()
		c.Invalidate("row")
		read()
		if loads != 3 {
			t.Errorf("%d loads, want 3: after its time, and after the creation", loads)
		}
	})
}

// TestHotKeysNeverBlockOnExpiry reads a key twice a second for ten TTLs.
func TestHotKeysNeverBlockOnExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := mustNew(t, cache.Config{})
		l := mustLoader[int64](t, c, cache.Options{TTL: 30 * time.Second, RefreshAhead: 0.7})
		loads := 0
		load := plain(func() (int64, error) { time.Sleep(3 * time.Second); loads++; return 7, nil })
		get(t, l, key, tags, load)
		for range 600 {
			began := time.Now()
			if _, info := get(t, l, key, tags, load); info.Reason != cache.Hit || time.Since(began) > 0 {
				t.Fatalf("a read waited %v: %+v", time.Since(began), info)
			}
			time.Sleep(500 * time.Millisecond)
		}
		c.Close() // a load may be under way
		if loads < 10 || loads > 17 {
			t.Errorf("%d loads in 300s, want one in about 21s to 27s", loads)
		}
	})
}

// TestAFailedRefreshIsTriedAgain makes the first refreshes fail, and checks that the value stays and that a later
// refresh comes before it expires.
func TestAFailedRefreshIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := mustNew(t, cache.Config{})
		l := mustLoader[int64](t, c, cache.Options{TTL: 10 * time.Second, RefreshAhead: 0.5})
		loads := 0
		load := plain(func() (int64, error) {
			if loads++; loads == 2 || loads == 3 {
				return 0, errors.New("away")
			}
			return int64(loads), nil
		})
		get(t, l, key, tags, load)
		for range 200 {
			if _, info := get(t, l, key, tags, load); info.Reason != cache.Hit {
				t.Fatalf("a reader waited: %+v after %d loads", info, loads)
			}
			time.Sleep(100 * time.Millisecond)
		}
		c.Close()
	})
}

func TestAFailedRefreshLeavesTheValue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := mustNew(t, cache.Config{})
		l := mustLoader[int64](t, c, cache.Options{TTL: 10 * time.Second, RefreshAhead: 0.5})
		get(t, l, key, tags, plain(func() (int64, error) { return 7, nil }))
		time.Sleep(7 * time.Second)
		for range 2 {
			v, info := get(t, l, key, tags, plain(func() (int64, error) { return 0, errors.New("away") }))
			if v != 7 || info.Reason != cache.Hit {
				t.Errorf("got %d, %+v; want the value until it expires", v, info)
			}
			c.Close()
		}
	})
}

// TestInvalidatingCostsTheSame checks that an invalidation does not look for what it invalidates.
func TestInvalidatingATagOfManyEntries(t *testing.T) {
	c := mustNew(t, cache.Config{})
	l := mustLoader[int64](t, c, cache.Options{})
	const entries = 10_000
	for i := range entries {
		get(t, l, fmt.Sprint(i), []string{"all", fmt.Sprint("one:", i)}, plain(func() (int64, error) { return 1, nil }))
	}
	// So many, for what other goroutines allocate meanwhile is counted too, and divided by them.
	if n := testing.AllocsPerRun(100_000, func() { c.Invalidate("nobody") }); n > 0 {
		t.Errorf("an invalidation allocates %v times", n)
	}
	c.Invalidate("all")
	for i := range entries {
		if _, info, _ := l.Peek(fmt.Sprint(i)); info.Reason != cache.Invalidated {
			t.Fatalf("entry %d: %+v, want it invalidated", i, info)
		}
	}
}

func TestKeysAreEverythingInOrder(t *testing.T) {
	c := mustNew(t, cache.Config{})
	a, b := mustLoader[int64](t, c, cache.Options{Name: "a"}), mustLoader[int64](t, c, cache.Options{Name: "b"})
	seen := map[string][]string{}
	for _, l := range []*cache.Loader[int64]{a, b} {
		for _, parts := range [][]string{{}, {""}, {"", ""}, {"x", "y"}, {"y", "x"}, {"xy"}, {"x\x00y"}, {"x", "\x01y"},
			{"x\x00", "y"}, {"x", "\x00y"}, {"\x01"}, {"\x00"}} {
			k := l.Key(parts...)
			if other, taken := seen[k]; taken {
				t.Errorf("%q and %q have the same key", parts, other)
			}
			seen[k] = parts
		}
	}
}

func TestBadOptionsAreRefused(t *testing.T) {
	c := mustNew(t, cache.Config{})
	mustLoader[int64](t, c, cache.Options{Name: "taken"})
	for _, o := range []cache.Options{
		{}, {Name: "x"}, {Name: "x\x00\x00y", TTL: 1}, {Name: "x", TTL: -1}, {Name: "x", TTL: 1, NegativeTTL: -1},
		{Name: "x", TTL: 1, RefreshAhead: 0.95}, {Name: "x", TTL: 1, RefreshAhead: 0.05},
		{Name: "x", TTL: 1, Jitter: -0.1},
		{Name: "x", TTL: 1, Jitter: 0.6}, {Name: "x", TTL: 1, Jitter: math.NaN()}, {Name: "taken", TTL: 1},
	} {
		if _, err := cache.NewLoader[int64](c, o); err == nil || !strings.HasPrefix(err.Error(), "cache: ") {
			t.Errorf("%+v: %v, want a refusal", o, err)
		}
	}
}

// TestStatsAddUp makes 100 known reads.
func TestStatsAddUp(t *testing.T) {
	c := mustNew(t, cache.Config{})
	l := mustLoader[int64](t, c, cache.Options{})
	load := plain(func() (int64, error) { return 1, nil })
	for i := range 100 {
		get(t, l, fmt.Sprint(i%10), []string{fmt.Sprint(i % 2)}, load)
		if i == 49 {
			c.Invalidate("0")
		}
	}
	slow := newSlowLoad()
	go l.Get(context.Background(), "refused", tags, slow.of(func() (int64, error) { return 1, nil }, nil))
	<-slow.read
	c.Invalidate("row")
	close(slow.release)
	c.Close()
	l.Get(t.Context(), "failed", tags, plain(func() (int64, error) { return 0, errors.New("broken") }))
	got := c.Stats()
	deadline := time.Now().Add(10 * time.Second)
	for ; got.Bytes < 10*300 && time.Now().Before(deadline); got = c.Stats() {
		time.Sleep(time.Millisecond) // they are weighed in the background
	}
	loader := got.Loaders[0]
	if fills := loader.Fills.Count(); fills != 17 {
		t.Errorf("%d fills, want 17", fills)
	}
	loader.Fills = stats.Histogram{}
	want := stats.Loader{Name: "test", Hits: 85, Misses: 17, Refused: 1, Failed: 1}
	if !reflect.DeepEqual(loader, want) {
		t.Errorf("the loader's stats are %+v, want %+v", loader, want)
	}
	if got.Invalidations != 2 || got.Entries != 10 || got.Cluster != nil {
		t.Errorf("the cache's stats are %+v, want 2 invalidations, 10 entries and no cluster", got)
	}
	if got.Bytes < 10*300 || got.Bytes > 10*500 {
		t.Errorf("10 entries are %d bytes", got.Bytes)
	}
}
