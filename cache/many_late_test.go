package cache_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/woodytoys/woodytoys/cache"
)

// TestManyStale checks that when a batch fails, its keys with an old value get that, but not the one that was
// invalidated meanwhile. (stale)
func TestManyStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := mustNew(t, cache.Config{})
		l := mustLoader[int64](t, c, cache.Options{TTL: time.Minute, MaxStale: time.Hour})
		wantMany(t, l.GetMany(t.Context(), asksOf("1", "2"), setAll(7)), 7)
		time.Sleep(2 * time.Minute)
		fails := func(_ context.Context, batch *cache.Batch[int64]) error {
			if err := c.Invalidate("row:2"); err != nil {
				t.Error(err)
			}
			return errAway
		}
		got := l.GetMany(t.Context(), asksOf("1", "2", "3"), fails)
		if got[0].Value != 7 || !got[0].Info.Stale || got[0].Info.LoadErr != errAway || got[0].Err != nil {
			t.Errorf("the key that was good got %+v, want 7, stale", got[0])
		}
		for _, i := range []int{1, 2} {
			if got[i].Err != errAway || got[i].Info.Stale {
				t.Errorf("place %d: %+v, want the failure: it was written, or never loaded", i, got[i])
			}
		}
	})
}

// TestManyLate checks that after the timeout of a batch each key gets what it has then, and that the load goes on for
// all.
func TestManyLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := mustNew(t, cache.Config{})
		l := mustLoader[int64](t, c, timed)
		wantMany(t, l.GetMany(t.Context(), asksOf("1"), setAll(1)), 1)
		time.Sleep(2 * time.Minute)
		loads := 0
		slow := func(ctx context.Context, batch *cache.Batch[int64]) error {
			loads++
			time.Sleep(5 * time.Second)
			return setAll(2)(ctx, batch)
		}
		began := time.Now()
		got := l.GetMany(t.Context(), asksOf("1", "2"), slow)
		if got[0].Value != 1 || !got[0].Info.Stale || got[0].Info.LoadErr != cache.ErrLate {
			t.Errorf("the key with an old value got %+v, want that", got[0])
		}
		if took := time.Since(began); got[1].Err != cache.ErrLate || took != timed.HardTimeout {
			t.Errorf("the other got %+v after %v, want ErrLate after %v", got[1], took, timed.HardTimeout)
		}
		time.Sleep(5 * time.Second)
		wantMany(t, l.GetMany(t.Context(), asksOf("1", "2"), slow), 2)
		if loads != 1 {
			t.Errorf("%d loads, want the one that went on", loads)
		}
		c.Close()
	})
}
