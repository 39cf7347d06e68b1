package cache_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// allAway is a load of several keys that brings nothing, while the database is away.
func allAway(context.Context, *cache.Batch[int64]) error { return errAway }

// TestStaleMany checks that when loads of several keys fail, as a whole or in part, each key gets its own old value,
// and has its own RetryAfter.
func TestStaleMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := mustNew(t, cache.Config{})
		l := mustLoader[int64](t, c, staleOptions)
		asks := asksOf("a", "b", "c")
		l.GetMany(t.Context(), asks, setAll(7))
		time.Sleep(2 * time.Minute)
		got := l.GetMany(t.Context(), append(asks, asksOf("new")...), allAway)
		for i, g := range got[:3] {
			if g.Value != 7 || g.Err != nil || !g.Info.Stale || g.Info.LoadErr != errAway ||
				g.Info.TTL != -time.Minute {
				t.Errorf("place %d: %+v, want the old value", i, g)
			}
		}
		if !errors.Is(got[3].Err, errAway) {
			t.Errorf("what was never loaded: %+v, want the load's error", got[3])
		}
		for i, g := range l.GetMany(t.Context(), asks, allAway) {
			if g.Value != 7 || !g.Info.Stale || g.Info.LoadErr != nil || g.Info.Reason != cache.Hit {
				t.Errorf("place %d within RetryAfter: %+v, want the old value without a try", i, g)
			}
		}
		time.Sleep(time.Second)
		got = l.GetMany(t.Context(), asks, func(_ context.Context, batch *cache.Batch[int64]) error {
			batch.Set(0, 8)
			batch.Fail(1, errAway)
			return nil
		})
		if got[0].Value != 8 || got[0].Info.Stale {
			t.Errorf("what was loaded: %+v, want 8", got[0])
		}
		for i, want := range map[int]error{1: errAway, 2: cache.ErrLeftOut} {
			if g := got[i]; g.Value != 7 || !g.Info.Stale || g.Info.LoadErr != want {
				t.Errorf("place %d: %+v, want the old value, for %v", i, g, want)
			}
		}
	})
}

// 1. Two values expire, and one load of both begins. 2. A write of one of them commits and invalidates. 3. The
// callers' SoftTimeout is over, and they get the old values. (stale)
func TestSoftTimeoutOfABatchAfterTheWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := mustNew(t, cache.Config{})
		l := mustLoader[int64](t, c, timed)
		asks := asksOf("a", "b")
		l.GetMany(t.Context(), asks, setAll(7))
		time.Sleep(2 * time.Minute)
		time.AfterFunc(time.Second/2, func() { c.Invalidate("row:b") })
		began := time.Now()
		got := l.GetMany(t.Context(), asks, func(ctx context.Context, batch *cache.Batch[int64]) error {
			time.Sleep(3 * time.Second / 2)
			return setAll(8)(ctx, batch)
		})
		if got[0].Value != 7 || !got[0].Info.Stale || got[0].Info.LoadErr != cache.ErrLate {
			t.Errorf("what nobody wrote: %+v, want the old value after SoftTimeout", got[0])
		}
		if got[1].Value != 8 || got[1].Info.Stale {
			t.Errorf("what was written: %+v, want it waited for", got[1])
		}
		if took := time.Since(began); took != 3*time.Second/2 {
			t.Errorf("it took %v, want that of the load", took)
		}
		synctest.Wait() // until that has landed, too
		if _, info, _ := l.Peek("a"); info.Reason != cache.Hit || info.Stale {
			t.Errorf("what a caller left late: %+v, want it kept", info)
		}
		c.Close()
	})
}

// TestStaleManyInRedis checks that expired values that are in Redis alone are loaded by one call, and served stale when
// it fails.
func TestStaleManyInRedis(t *testing.T) {
	const ttl = 50 * time.Millisecond
	c := mustJoinOn(t, servertest.MustStartRedis(t), &fakeLedger{}, true)
	l := mustLoader[int64](t, c, cache.Options{TTL: ttl, MaxStale: time.Hour, RetryAfter: time.Nanosecond})
	asks := asksOf("a", "b", "c")
	wantMany(t, l.GetMany(t.Context(), asks, setAll(7)), 7)
	time.Sleep(ttl + 10*time.Millisecond)
	var loads [][]int
	got := l.GetMany(t.Context(), asks, func(_ context.Context, batch *cache.Batch[int64]) error {
		loads = append(loads, batch.Missing())
		return errAway
	})
	for i, g := range got {
		if g.Value != 7 || g.Err != nil || !g.Info.Stale || g.Info.LoadErr != errAway {
			t.Errorf("place %d: %+v, want the old value", i, g)
		}
	}
	if len(loads) != 1 || !slices.Equal(loads[0], []int{0, 1, 2}) {
		t.Errorf("the loads were asked for %v, want one of all three", loads)
	}
	wantMany(t, l.GetMany(t.Context(), asks, setAll(8)), 8)
	if err := c.Invalidate("row:b"); err != nil {
		t.Fatal(err)
	}
	if got := l.GetMany(t.Context(), asks, allAway); !errors.Is(got[1].Err, errAway) {
		t.Errorf("what was written: %+v, want the load's error", got[1])
	}
}
