package cache_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/woodytoys/woodytoys/cache"
)

// timed are options with all timeouts: a value is good for a minute.
var timed = cache.Options{
	TTL: time.Minute, MaxStale: time.Hour,
	SoftTimeout: time.Second, HardTimeout: 2 * time.Second, LateTimeout: 10 * time.Second,
}

// result is what a read returned, and when.
type result struct {
	v    int64
	info cache.Info
	err  error
	took time.Duration
}

// read begins a read, and sends what it returned.
func read(ctx context.Context, l *cache.Loader[int64], tags []string, load cache.Load[int64]) <-chan result {
	done := make(chan result, 1)
	began := time.Now()
	go func() {
		v, info, err := l.Get(ctx, key, tags, load)
		done <- result{v, info, err, time.Since(began)}
	}()
	return done
}

// hang is a load that ends with its ctx.
func hang(ctx context.Context, _ *cache.Fill) (int64, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}

// TestSoftTimeout checks that after SoftTimeout the caller gets the old value, and the next one the value that the load
// brought.
func TestSoftTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := mustNew(t, cache.Config{})
		l := mustLoader[int64](t, c, timed)
		get(t, l, key, tags, plain(func() (int64, error) { return 1, nil }))
		time.Sleep(2 * time.Minute)
		slow := newSlowLoad()
		got := <-read(t.Context(), l, tags, slow.of(func() (int64, error) { return 2, nil }, nil))
		if got.v != 1 || !got.info.Stale || got.info.LoadErr != cache.ErrLate || got.took != time.Second {
			t.Errorf("got %+v; want 1, stale, after 1s", got)
		}
		close(slow.release)
		synctest.Wait()
		if v, info := get(t, l, key, tags, away); v != 2 || info.Reason != cache.Hit {
			t.Errorf("after the load: %d, %+v; want a hit of what it brought", v, info)
		}
		if s := c.Stats().Loaders[0]; s.SoftTimeouts != 1 || s.HardTimeouts != 0 || s.Stale != 1 {
			t.Errorf("the stats are %+v; want one soft timeout, and one stale answer", s)
		}
	})
}

// TestHardTimeout checks that after HardTimeout callers without an old value get ErrLate.
func TestHardTimeout(t *testing.T) {
	for name, options := range map[string]cache.Options{
		"all timeouts": timed, "no other": {HardTimeout: 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := mustNew(t, cache.Config{})
				l := mustLoader[int64](t, c, options)
				slow := newSlowLoad()
				load := slow.of(func() (int64, error) { return 2, nil }, nil)
				first := read(t.Context(), l, tags, load)
				time.Sleep(time.Second)
				second := read(t.Context(), l, tags, load)
				for _, got := range []result{<-first, <-second} {
					if !errors.Is(got.err, cache.ErrLate) || got.v != 0 || got.took != 2*time.Second {
						t.Errorf("got %+v; want ErrLate after 2s", got)
					}
				}
				close(slow.release)
				synctest.Wait()
				if v, info := get(t, l, key, tags, away); v != 2 || info.Reason != cache.Hit {
					t.Errorf("after the load: %d, %+v; want a hit of what it brought", v, info)
				}
				if s := c.Stats().Loaders[0]; s.SoftTimeouts != 0 || s.HardTimeouts != 2 || s.Stale != 0 {
					t.Errorf("the stats are %+v; want two hard timeouts", s)
				}
			})
		})
	}
}

// TestHardTimeoutWithAnOldValue checks that without a SoftTimeout the old value is returned after HardTimeout.
func TestHardTimeoutWithAnOldValue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := mustNew(t, cache.Config{})
		l := mustLoader[int64](t, c, cache.Options{TTL: time.Minute, MaxStale: time.Hour, HardTimeout: time.Second})
		get(t, l, key, tags, plain(func() (int64, error) { return 1, nil }))
		time.Sleep(2 * time.Minute)
		if got := <-read(t.Context(), l, tags, hang); got.v != 1 || !got.info.Stale || got.took != time.Second {
			t.Errorf("got %+v; want 1, stale, after 1s", got)
		}
		c.Close()
	})
}

// The schedules of loads whose callers have left. TestLongStaleNeedsItsRules sees each of them fail without the rule
// that it names.

// 1. A load reads old, and its caller leaves by the timeout. 2. A write commits and invalidates. 3. The load stores
// old. (fence)
func TestLateLoadThatReadOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, slow, db, c := mustBeLate(t)
		db.write()
		c.Invalidate("row")
		close(slow.release)
		synctest.Wait() // it has ended
		wantFresh(t, l, db)
	})
}

// mustBeLate begins a load that reads old, and has its caller leave by the timeout.
func mustBeLate(t *testing.T) (l *cache.Loader[int64], slow *slowLoad, db *truth, c *cache.Cache) {
	t.Helper()
	slow, db, c = newSlowLoad(), &truth{}, mustNew(t, cache.Config{})
	l = mustLoader[int64](t, c, timed)
	load := slow.of(func() (int64, error) { return db.read(), nil }, nil)
	if got := <-read(t.Context(), l, tags, load); got.err != cache.ErrLate {
		t.Errorf("the first got %+v, want ErrLate", got)
	}
	return l, slow, db, c
}

// 1. A load reads old, and its caller leaves by the timeout. 2. A write commits, invalidates and is acknowledged. 3. A
// reader comes and joins the load. (join)
func TestLateLoadIsJoinedAfterTheWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, slow, db, c := mustBeLate(t)
		db.write()
		c.Invalidate("row")
		reader := read(t.Context(), l, tags, plain(func() (int64, error) { return db.read(), nil }))
		synctest.Wait() // it waits
		close(slow.release)
		if got := <-reader; got.v != db.read() || got.err != nil {
			t.Errorf("a reader from after the write got %+v, want version %d", got, db.read())
		}
	})
}

// 1. A value expires, and a load begins. 2. A write commits and invalidates. 3. The caller's SoftTimeout is over, and
// it gets the old value. (stale)
func TestSoftTimeoutAfterTheWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := mustNew(t, cache.Config{})
		l := mustLoader[int64](t, c, timed)
		get(t, l, key, tags, plain(func() (int64, error) { return 1, nil }))
		time.Sleep(2 * time.Minute)
		reader := read(t.Context(), l, tags, func(context.Context, *cache.Fill) (int64, error) {
			time.Sleep(3 * time.Second / 2)
			return 2, nil
		})
		time.Sleep(time.Second - time.Nanosecond)
		c.Invalidate("row")
		if got := <-reader; got.v != 2 || got.info.Stale || got.took != 3*time.Second/2 {
			t.Errorf("got %+v; want it to wait on for 2", got)
		}
	})
}

// The same, with a load that takes longer than HardTimeout: 3. The caller gets no value at all. (stale)
func TestHardTimeoutAfterTheWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := mustNew(t, cache.Config{})
		l := mustLoader[int64](t, c, timed)
		get(t, l, key, tags, plain(func() (int64, error) { return 1, nil }))
		time.Sleep(2 * time.Minute)
		reader := read(t.Context(), l, tags, hang)
		time.Sleep(time.Second - time.Nanosecond)
		c.Invalidate("row")
		if got := <-reader; got.err != cache.ErrLate || got.took != 2*time.Second {
			t.Errorf("got %+v; want ErrLate after 2s", got)
		}
		c.Close()
	})
}

// 50 callers leave a load by the timeout, which ends it, and the next ones begin another. (late)
func TestACrowdLeavesALateLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := mustLoader[int64](t, mustNew(t, cache.Config{}), timed)
		var loads atomic.Int64
		var ended time.Duration
		began := time.Now()
		load := func(ctx context.Context, _ *cache.Fill) (int64, error) {
			loads.Add(1)
			<-ctx.Done()
			ended = time.Since(began)
			return 0, ctx.Err()
		}
		var group sync.WaitGroup
		for range 50 {
			group.Go(func() {
				if got := <-read(t.Context(), l, tags, load); got.err != cache.ErrLate {
					t.Errorf("got %+v, want ErrLate", got)
				}
			})
		}
		group.Wait()
		time.Sleep(time.Minute)
		synctest.Wait()
		if want := timed.HardTimeout + timed.LateTimeout; loads.Load() != 1 || ended != want {
			t.Errorf("%d loads, the last ended after %v; want one, and %v", loads.Load(), ended, want)
		}
	})
}

// 1. A caller leaves a load by the timeout. 2. The last one gives up, and the load ends, though what it brings is
// wanted. (late)
func TestTheLastCallerOfALateLoadGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := mustLoader[int64](t, mustNew(t, cache.Config{}), timed)
		load := func(ctx context.Context, _ *cache.Fill) (int64, error) {
			select {
			case <-time.After(5 * time.Second):
				return 7, nil
			case <-ctx.Done():
				return 0, ctx.Err()
			}
		}
		ctx, giveUp := context.WithCancel(t.Context())
		first := read(t.Context(), l, tags, load)
		time.Sleep(time.Second)
		second := read(ctx, l, tags, load)
		<-first
		giveUp()
		if got := <-second; !errors.Is(got.err, context.Canceled) {
			t.Errorf("the second got %+v, want context.Canceled", got)
		}
		time.Sleep(4 * time.Second)
		if v, info := get(t, l, key, tags, away); v != 7 || info.Reason != cache.Hit {
			t.Errorf("after the load: %d, %+v; want a hit of what it brought", v, info)
		}
	})
}

// A load that heeds its ctx is late when the cache is closed, which waits for LateTimeout. (late: it would have ended
// before)
func TestClosingEndsLateLoads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := mustNew(t, cache.Config{})
		l := mustLoader[int64](t, c, timed)
		var stopped atomic.Bool
		<-read(t.Context(), l, tags, func(ctx context.Context, fill *cache.Fill) (int64, error) {
			defer stopped.Store(true)
			return hang(ctx, fill)
		})
		synctest.Wait()
		if stopped.Load() {
			t.Error("the load has ended before the cache is closed")
		}
		began := time.Now()
		if c.Close(); time.Since(began) > 0 || !stopped.Load() {
			t.Errorf("closing took %v", time.Since(began))
		}
	})
}

// TestALoadThatHangsIsLeft sends a caller every half second. It checks that after LateTimeout nobody joins the load
// that hangs, so that it ends when the last one has left, that the next load brings the value, and that nobody waits
// for longer than HardTimeout.
func TestALoadThatHangsIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := mustLoader[int64](t, mustNew(t, cache.Config{}), timed)
		var loads atomic.Int64
		load := func(ctx context.Context, fill *cache.Fill) (int64, error) {
			if loads.Add(1) == 1 {
				return hang(ctx, fill)
			}
			return 7, nil
		}
		began := time.Now()
		for {
			got := read(t.Context(), l, tags, load)
			time.Sleep(500 * time.Millisecond)
			go func() {
				if got := <-got; got.took > timed.HardTimeout {
					t.Errorf("a caller waited for %v", got.took)
				}
			}()
			if v, _, _ := l.Peek(key); v == 7 {
				break
			}
			if time.Since(began) > time.Minute {
				t.Fatal("the load that hangs is joined for ever")
			}
		}
		// The holder came when the first caller left, and the last one to join before it left has left by then.
		if took := time.Since(began); took > 2*timed.HardTimeout+timed.LateTimeout+time.Second || loads.Load() != 2 {
			t.Errorf("the value was there after %v and %d loads", took, loads.Load())
		}
	})
}

// TestCallersBehindALateLoad checks that callers who wait for the load after one that hangs each get ErrLate in time,
// and that that load runs though all of them have left.
func TestCallersBehindALateLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := mustNew(t, cache.Config{})
		l := mustLoader[int64](t, c, timed)
		<-read(t.Context(), l, tags, hang)
		c.Invalidate("row")
		var group sync.WaitGroup
		for range 50 {
			group.Go(func() {
				got := <-read(t.Context(), l, tags, plain(func() (int64, error) { return 8, nil }))
				if got.err != cache.ErrLate || got.took != timed.HardTimeout {
					t.Errorf("got %+v; want ErrLate after %v", got, timed.HardTimeout)
				}
			})
		}
		group.Wait()
		time.Sleep(timed.LateTimeout)
		if v, info := get(t, l, key, tags, away); v != 8 || info.Reason != cache.Hit {
			t.Errorf("after both loads: %d, %+v; want a hit of what the second brought", v, info)
		}
	})
}

// TestARefreshThatHangs checks that a refresh is told to stop after LateTimeout, and without a timeout after TTL or a
// minute.
func TestARefreshThatHangs(t *testing.T) {
	for _, row := range []struct {
		name    string
		options cache.Options
		want    time.Duration
	}{
		{"with a timeout", timed, timed.LateTimeout},
		{"without one", cache.Options{TTL: 30 * time.Second}, 30 * time.Second},
		{"that lives for long", cache.Options{TTL: time.Hour}, time.Minute},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				options := row.options
				options.RefreshAhead = 0.5
				c := mustNew(t, cache.Config{})
				l := mustLoader[int64](t, c, options)
				get(t, l, key, tags, plain(func() (int64, error) { return 1, nil }))
				time.Sleep(options.TTL * 2 / 3)
				began, ended := time.Now(), make(chan time.Duration, 1)
				get(t, l, key, tags, func(ctx context.Context, fill *cache.Fill) (int64, error) {
					defer func() { ended <- time.Since(began) }()
					return hang(ctx, fill)
				})
				if took := <-ended; took != row.want {
					t.Errorf("the refresh ended after %v, want %v", took, row.want)
				}
				c.Close()
			})
		})
	}
}

// TestClosingAmongCallers closes a cache while callers keep coming, so that there is always a load under way.
func TestClosingAmongCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := mustNew(t, cache.Config{})
		l := mustLoader[int64](t, c, cache.Options{})
		ctx, end := context.WithCancel(t.Context())
		slow := func(_ context.Context, fill *cache.Fill) (int64, error) {
			fill.Skip()
			time.Sleep(time.Second)
			return 7, nil
		}
		var callers sync.WaitGroup
		for i := range 2 {
			callers.Go(func() {
				for time.Sleep(time.Duration(i) * time.Second / 2); ctx.Err() == nil; {
					get(t, l, fmt.Sprint(i), nil, slow)
				}
			})
		}
		time.Sleep(10 * time.Second)
		began := time.Now()
		if c.Close(); time.Since(began) > 2*time.Second {
			t.Errorf("closing took %v, with loads of a second", time.Since(began))
		}
		end()
		callers.Wait()
	})
}

// TestHardTimeoutAtTheEndOfALoad has loads end at the very moment of their caller's HardTimeout. The caller, who came
// after a write that the load turns out to depend on, is to wait for the next one, which hangs, and has no time left.
func TestHardTimeoutAtTheEndOfALoad(t *testing.T) {
	for range 50 { // which of the two the caller sees first is left to chance
		synctest.Test(t, func(t *testing.T) {
			c := mustNew(t, cache.Config{})
			l := mustLoader[int64](t, c, cache.Options{HardTimeout: time.Second})
			var loads atomic.Int64
			load := func(ctx context.Context, fill *cache.Fill) (int64, error) {
				if loads.Add(1) > 1 {
					return hang(ctx, fill)
				}
				time.Sleep(2 * time.Second)
				fill.Tag("row")
				return 7, nil
			}
			read(t.Context(), l, nil, load)
			time.Sleep(time.Second - time.Nanosecond)
			c.Invalidate("row")
			time.Sleep(time.Nanosecond)
			if got := <-read(t.Context(), l, nil, load); got.err != cache.ErrLate || got.took != time.Second {
				t.Errorf("got %+v, want ErrLate after a second", got)
			}
			c.Close()
		})
	}
}

// TestALoadThatNobodyLeftLate checks that a load ends with its callers where all have given up before their timeouts.
func TestALoadThatNobodyLeftLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := mustNew(t, cache.Config{})
		l := mustLoader[int64](t, c, timed)
		ctx, giveUp := context.WithTimeout(t.Context(), time.Second)
		defer giveUp()
		one, two := read(ctx, l, tags, hang), read(ctx, l, tags, hang)
		<-one
		<-two
		began := time.Now()
		if c.Close(); time.Since(began) > 0 {
			t.Error("the load went on when both had given up")
		}
	})
}

func TestBadTimeoutsAreRefused(t *testing.T) {
	c := mustNew(t, cache.Config{})
	for i, o := range []cache.Options{
		{SoftTimeout: 1}, {SoftTimeout: -1}, {HardTimeout: -1}, {HardTimeout: 1, LateTimeout: -1}, {LateTimeout: 1},
		{MaxStale: 1, SoftTimeout: 2, HardTimeout: 2},
	} {
		o.Name, o.TTL = fmt.Sprint("x", i), 1
		if _, err := cache.NewLoader[int64](c, o); err == nil || !strings.HasPrefix(err.Error(), "cache: loader x") {
			t.Errorf("%+v: %v, want a refusal", o, err)
		}
	}
}
