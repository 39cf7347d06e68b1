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

	"github.com/redis/go-redis/v9"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/cluster"
	"github.com/woodytoys/woodytoys/cache/ledger"
	"github.com/woodytoys/woodytoys/internal/servers"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

var errAway = errors.New("the database is away")

// away is a load that brings nothing, while the database is away.
func away(context.Context, *cache.Fill) (int64, error) { return 0, errAway }

// staleOptions let a value live for a minute, and stand in for a load for an hour more.
var staleOptions = cache.Options{TTL: time.Minute, MaxStale: time.Hour}

// wantStale reads, with a load that fails, and wants an old value.
func wantStale(t *testing.T, l *cache.Loader[int64], want int64, over time.Duration, loadErr error) {
	t.Helper()
	v, info, err := l.Get(t.Context(), key, tags, away)
	if v != want || err != nil || !info.Stale || info.TTL != -over || !errors.Is(info.LoadErr, loadErr) {
		t.Errorf("got %d, %v, %+v; want %d, stale since %v for %v", v, err, info, want, over, loadErr)
	}
}

// wantFailure reads, with a load that fails, and wants its error and nothing old.
func wantFailure(t *testing.T, l *cache.Loader[int64]) {
	t.Helper()
	v, info, err := l.Get(t.Context(), key, tags, away)
	if !errors.Is(err, errAway) || v != 0 || info.Stale {
		t.Errorf("got %d, %v, %+v; want the load's error", v, err, info)
	}
}

// TestStaleValues follows a value whose load fails from its TTL on to the end of MaxStale.
func TestStaleValues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := mustNew(t, cache.Config{})
		l := mustLoader[int64](t, c, staleOptions)
		get(t, l, key, tags, plain(func() (int64, error) { return 7, nil }))
		time.Sleep(time.Minute - time.Nanosecond)
		if _, info, err := l.Get(t.Context(), key, tags, away); info.Reason != cache.Hit || info.Stale || err != nil {
			t.Errorf("before its time is over: %+v, %v; want a hit", info, err)
		}
		time.Sleep(time.Nanosecond + time.Second)
		wantStale(t, l, 7, time.Second, errAway) // it tries
		v, info, err := l.Get(t.Context(), key, tags, away)
		if v != 7 || err != nil || !info.Stale || info.LoadErr != nil || info.Reason != cache.Hit {
			t.Errorf("within RetryAfter: %d, %+v, %v; want the old value without a try", v, info, err)
		}
		time.Sleep(time.Second) // the default of RetryAfter
		wantStale(t, l, 7, 2*time.Second, errAway)
		time.Sleep(time.Hour - 3*time.Second)
		wantStale(t, l, 7, time.Hour-time.Second, errAway)
		time.Sleep(time.Second) // MaxStale has ended, and RetryAfter too
		wantFailure(t, l)
		if got := c.Stats().Loaders[0]; got.Stale != 4 || got.Failed != 4 || got.Hits != 2 || got.Misses != 5 {
			t.Errorf("the stats are %+v; want 4 stale, 4 failed, 2 hits, 5 misses", got)
		}
		if v, info := get(t, l, key, tags, plain(func() (int64, error) { return 8, nil })); v != 8 || info.Stale {
			t.Errorf("when the database is back: %d, %+v", v, info)
		}
	})
}

// TestStaleNeedsAFailure checks that nothing old is returned for what is no failure of the load.
func TestStaleNeedsAFailure(t *testing.T) {
	gone := errors.New("there is none")
	options := staleOptions
	options.Absent = func(err error) bool { return errors.Is(err, gone) }
	for _, want := range []error{gone, fmt.Errorf("inner: %w", cache.ErrOwnKey), cache.ErrNotTried} {
		synctest.Test(t, func(t *testing.T) {
			l := mustLoader[int64](t, mustNew(t, cache.Config{}), options)
			get(t, l, key, tags, plain(func() (int64, error) { return 7, nil }))
			time.Sleep(2 * time.Minute)
			loads := 0
			for range 2 {
				v, info, err := l.Get(t.Context(), key, tags, plain(func() (int64, error) { loads++; return 0, want }))
				if !errors.Is(err, want) || v != 0 || info.Stale {
					t.Errorf("got %d, %v, %+v; want %v", v, err, info, want)
				}
			}
			if loads != 2 {
				t.Errorf("%d loads after %v, want 2: there is nothing to wait for", loads, want)
			}
		})
	}
}

// TestStaleAfterAPanic checks that a load which panics has failed.
func TestStaleAfterAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := mustLoader[int64](t, mustNew(t, cache.Config{}), staleOptions)
		get(t, l, key, tags, plain(func() (int64, error) { return 7, nil }))
		time.Sleep(2 * time.Minute)
		v, info := get(t, l, key, tags, plain(func() (int64, error) { panic("broken") }))
		if !errors.As(info.LoadErr, new(*cache.PanicError)) || v != 7 {
			t.Errorf("got %d, %+v; want 7 for the panic", v, info)
		}
	})
}

// TestStaleCrowd checks that while the database is down, crowds of 50 callers cause one load in each RetryAfter.
func TestStaleCrowd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		options := staleOptions
		options.RetryAfter = 10 * time.Second
		l := mustLoader[int64](t, mustNew(t, cache.Config{}), options)
		get(t, l, key, tags, plain(func() (int64, error) { return 7, nil }))
		time.Sleep(2 * time.Minute)
		var loads atomic.Int64
		for range 30 {
			var group sync.WaitGroup
			for range 50 {
				group.Go(func() {
					v, info := get(t, l, key, tags, func(context.Context, *cache.Fill) (int64, error) {
						loads.Add(1)
						time.Sleep(100 * time.Millisecond)
						return 0, errAway
					})
					if v != 7 || !info.Stale {
						t.Errorf("got %d, %+v; want what was kept", v, info)
					}
				})
			}
			group.Wait()
			time.Sleep(time.Second)
		}
		if n := loads.Load(); n != 3 && n != 4 {
			t.Errorf("%d loads in 30 s, want one in 10 s", n)
		}
	})
}

// TestAFailedRefreshIsNoReasonToWait checks that a refresh which fails ahead of the expiry keeps nobody from trying
// when the value has expired.
func TestAFailedRefreshIsNoReasonToWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := mustNew(t, cache.Config{})
		options := staleOptions
		options.RefreshAhead, options.RetryAfter = 0.9, time.Hour
		l := mustLoader[int64](t, c, options)
		get(t, l, key, tags, plain(func() (int64, error) { return 7, nil }))
		time.Sleep(time.Minute - time.Nanosecond)
		if _, info := get(t, l, key, tags, away); info.Reason != cache.Hit || info.Stale {
			t.Errorf("before its time is over: %+v; want a hit", info)
		}
		synctest.Wait() // the refresh has failed
		time.Sleep(time.Nanosecond)
		if v, _ := get(t, l, key, tags, plain(func() (int64, error) { return 8, nil })); v != 8 {
			t.Errorf("got %d, want 8 of a load", v)
		}
	})
}

// The schedules in which simpler caches return what was invalidated. TestLongStaleNeedsItsRules sees each of them fail
// where usable does not look.

// 1. A value expires. 2. A load begins, and is slow. 3. A write commits and invalidates. 4. The load fails, and what
// was there when it began is returned.
func TestStaleInvalidatedDuringTheLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := mustNew(t, cache.Config{})
		l := mustLoader[int64](t, c, staleOptions)
		get(t, l, key, tags, plain(func() (int64, error) { return 1, nil }))
		time.Sleep(2 * time.Minute)
		slow := newSlowLoad()
		first := make(chan error)
		go func() {
			_, _, err := l.Get(t.Context(), key, tags, slow.of(func() (int64, error) { return 0, errAway }, nil))
			first <- err
		}()
		<-slow.read
		c.Invalidate("row")
		close(slow.release)
		if err := <-first; !errors.Is(err, errAway) {
			t.Errorf("the caller got %v, want the load's error: what was there is invalidated", err)
		}
		wantFailure(t, l)
	})
}

// 1. A load fails; RetryAfter begins. 2. A write commits and invalidates. 3. A reader comes within RetryAfter, which
// hides the write.
func TestStaleInvalidatedInRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := mustNew(t, cache.Config{})
		l := mustLoader[int64](t, c, staleOptions)
		get(t, l, key, tags, plain(func() (int64, error) { return 1, nil }))
		time.Sleep(2 * time.Minute)
		wantStale(t, l, 1, time.Minute, errAway)
		c.Invalidate("row")
		wantFailure(t, l)
		if v, info := get(t, l, key, tags, plain(func() (int64, error) { return 2, nil })); v != 2 {
			t.Errorf("a read after the acknowledged write got %d, %+v; want 2", v, info)
		}
	})
}

// 1. A value expires, whose tag only its load knew. 2. A load begins that has not said what it depends on. 3. A write
// commits and invalidates. 4. A reader joins. 5. The load fails, and the reader gets what was there before the write.
func TestStaleJoinedAfterTheWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := mustNew(t, cache.Config{})
		l := mustLoader[int64](t, c, staleOptions)
		get(t, l, key, nil, func(_ context.Context, fill *cache.Fill) (int64, error) { fill.Tag("row"); return 1, nil })
		time.Sleep(2 * time.Minute)
		slow := newSlowLoad()
		load := slow.of(func() (int64, error) { return 0, errAway }, nil)
		go l.Get(context.Background(), key, nil, load)
		<-slow.read
		c.Invalidate("row")
		late := make(chan error)
		go func() {
			_, _, err := l.Get(context.Background(), key, nil, load)
			late <- err
		}()
		synctest.Wait() // it has joined
		close(slow.release)
		if err := <-late; !errors.Is(err, errAway) {
			t.Errorf("the reader from after the write got %v, want the load's error", err)
		}
	})
}

// 1. An absence expires. 2. The load fails. 3. The absence is returned, though it may have been created.
func TestStaleAbsence(t *testing.T) {
	gone := errors.New("there is none")
	for name, load := range map[string]cache.Load[int64]{
		"an error": plain(func() (int64, error) { return 0, gone }),
		"a value":  func(_ context.Context, fill *cache.Fill) (int64, error) { fill.Absent(); return -1, nil },
	} {
		synctest.Test(t, func(t *testing.T) {
			options := staleOptions
			options.NegativeTTL, options.Absent = time.Second, func(err error) bool { return errors.Is(err, gone) }
			l := mustLoader[int64](t, mustNew(t, cache.Config{}), options)
			l.Get(t.Context(), key, tags, load)
			time.Sleep(2 * time.Second)
			v, info, err := l.Get(t.Context(), key, tags, away)
			if !errors.Is(err, errAway) || info.Stale {
				t.Errorf("after an absence that is %s: %d, %v, %+v; want the load's error", name, v, err, info)
			}
		})
	}
}

// TestStaleInRedis checks that a replica which has nothing near gets an expired value from Redis, stale, when its load
// fails.
func TestStaleInRedis(t *testing.T) {
	const ttl = 50 * time.Millisecond
	server := servertest.MustStartRedis(t)
	for _, noNear := range []bool{false, true} {
		t.Run(fmt.Sprintf("nothing near: %v", noNear), func(t *testing.T) {
			server.Client().FlushAll(t.Context())
			ledger := &fakeLedger{}
			filler, other := mustJoinOn(t, server, ledger, noNear), mustJoinOn(t, server, ledger, noNear)
			options := cache.Options{TTL: ttl, MaxStale: time.Hour, RetryAfter: time.Hour}
			fills, reads := mustLoader[int64](t, filler, options), mustLoader[int64](t, other, options)
			for range 2 { // the first value, and the one that is put in its place
				if _, info := get(t, fills, key, tags,
					plain(func() (int64, error) { return 7, nil })); !info.SharedStored {
					t.Fatalf("the value is not in Redis: %+v", info)
				}
				time.Sleep(ttl + 10*time.Millisecond)
			}
			wantLife(t, server.Client(), time.Hour)
			v, info := get(t, reads, key, tags, away)
			if v != 7 || !info.Stale || info.TTL >= 0 || !errors.Is(info.LoadErr, errAway) ||
				info.Shared != cache.SharedMiss {
				t.Errorf("the other replica got %d, %+v; want 7 for its load that failed", v, info)
			}
			want := cache.Info{Reason: cache.Hit, Stale: true}
			if noNear {
				want = cache.Info{Reason: cache.Unknown, Stale: true, Shared: cache.SharedHit}
			}
			v, info = get(t, reads, key, tags, away)
			if info.TTL = 0; v != 7 || info != want {
				t.Errorf("within RetryAfter it got %d, %+v; want 7, %+v", v, info, want)
			}
			if err := filler.Invalidate("row"); err != nil {
				t.Fatal(err)
			}
			wantFailure(t, reads)
		})
	}
}

// wantLife fails the test unless the only value in Redis expires in about that time.
func wantLife(t *testing.T, client *redis.Client, want time.Duration) {
	t.Helper()
	names, err := client.Keys(t.Context(), "*:v:*").Result()
	if err != nil || len(names) != 1 {
		t.Fatalf("the values in Redis are %q (%v), want one", names, err)
	}
	if got := client.PTTL(t.Context(), names[0]).Val(); got > want+time.Minute || got < want-time.Minute {
		t.Errorf("Redis keeps it for %v, want %v", got, want)
	}
}

// mustJoinOn is like mustJoin, for one of several replicas.
func mustJoinOn(t *testing.T, server *servers.Redis, ledger ledger.Ledger, noNear bool) *cache.Cache {
	t.Helper()
	c := mustNew(t, cache.Config{NoNear: noNear, Cluster: &cluster.Config{
		Redis: &redis.UniversalOptions{Addrs: []string{server.Addr}}, Ledger: ledger,
		Lease: 5 * time.Second, FillLease: time.Hour, Timeout: 5 * time.Second, AckTimeout: 5 * time.Second,
	}})
	t.Cleanup(c.Close)
	mustHaveLease(t, c)
	return c
}

func TestBadStaleOptionsAreRefused(t *testing.T) {
	c := mustNew(t, cache.Config{})
	for _, o := range []cache.Options{
		{MaxStale: -1}, {MaxStale: 2, RetryAfter: 3}, {MaxStale: 2, RetryAfter: -1}, {RetryAfter: 1},
	} {
		o.Name, o.TTL = "x", 1
		if _, err := cache.NewLoader[int64](c, o); err == nil || !strings.HasPrefix(err.Error(), "cache: loader x: ") {
			t.Errorf("%+v: %v, want a refusal", o, err)
		}
	}
}
