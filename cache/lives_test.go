package cache_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// TestJitterSpreadsExpiries fills 1,000 keys in one moment: they expire over a good part of what Jitter allows, and
// none of them after its TTL.
func TestJitterSpreadsExpiries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const keys, ttl, jitter = 1000, 100 * time.Second, 0.2
		l := mustLoader[int64](t, mustNew(t, cache.Config{}), cache.Options{TTL: ttl, Jitter: jitter})
		for i := range keys {
			get(t, l, fmt.Sprint(i), nil, plain(func() (int64, error) { return 7, nil }))
		}
		expired := func() (n int) {
			for i := range keys {
				if _, info, _ := l.Peek(fmt.Sprint(i)); info.Reason == cache.Expired {
					n++
				}
			}
			return n
		}
		time.Sleep(80 * time.Second)
		if n := expired(); n > 0 {
			t.Errorf("%d values expired before their TTL less Jitter", n)
		}
		for at := 80; at < 100; at += 5 {
			before := expired()
			time.Sleep(5 * time.Second)
			if n := expired() - before; n < keys/10 || n > keys/2 {
				t.Errorf("%d of %d values expire from %d s to %d s, want about a quarter", n, keys, at, at+5)
			}
		}
		if n := expired(); n != keys {
			t.Errorf("%d values outlived their TTL", keys-n)
		}
	})
}

// TestALoadSetsTheTTL checks that a load may shorten how long its value is kept, and that it cannot prolong it.
func TestALoadSetsTheTTL(t *testing.T) {
	for _, row := range []struct {
		name  string
		apply func(*cache.Fill)
		want  time.Duration
	}{
		{"says nothing", func(*cache.Fill) {}, time.Minute},
		{"shortens it", func(f *cache.Fill) { f.TTL(time.Second) }, time.Second},
		{"would prolong it", func(f *cache.Fill) { f.TTL(time.Hour) }, time.Minute},
		{"says several", func(f *cache.Fill) { f.TTL(2 * time.Second); f.TTL(4 * time.Second) }, 2 * time.Second},
		{"says less then", func(f *cache.Fill) { f.TTL(4 * time.Second); f.TTL(2 * time.Second) }, 2 * time.Second},
		{"says zero", func(f *cache.Fill) { f.TTL(0) }, 0},
		{"says less than zero", func(f *cache.Fill) { f.TTL(time.Second); f.TTL(-1) }, 0},
		{"finds nothing", func(f *cache.Fill) { f.Absent() }, 10 * time.Second},
		{"finds nothing, for shorter", func(f *cache.Fill) { f.Absent(); f.TTL(time.Second) }, time.Second},
		{"finds nothing, for longer", func(f *cache.Fill) { f.Absent(); f.TTL(20 * time.Second) }, 10 * time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := mustLoader[int64](t, mustNew(t, cache.Config{}), cache.Options{NegativeTTL: 10 * time.Second})
				_, info := get(t, l, key, tags, func(_ context.Context, fill *cache.Fill) (int64, error) {
					row.apply(fill)
					return 7, nil
				})
				if info.TTL != row.want || info.Stored != (row.want > 0) {
					t.Errorf("kept for %v: %v; want %v", info.TTL, info.Stored, row.want)
				}
				time.Sleep(row.want - time.Nanosecond)
				if _, info, _ := l.Peek(key); (info.Reason == cache.Hit) != (row.want > 0) {
					t.Errorf("just before the end of its TTL: %+v", info)
				}
				time.Sleep(time.Nanosecond)
				if _, info, _ := l.Peek(key); info.Reason == cache.Hit {
					t.Errorf("at the end of its TTL: %+v, want it expired", info)
				}
			})
		})
	}
}

// TestAShortTTLIsRefreshedInItsTime checks that RefreshAhead is a part of the TTL that the value has.
func TestAShortTTLIsRefreshedInItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := mustLoader[int64](t, mustNew(t, cache.Config{}), cache.Options{TTL: time.Hour, RefreshAhead: 0.5})
		get(t, l, key, tags, func(_ context.Context, fill *cache.Fill) (int64, error) {
			fill.TTL(10 * time.Second)
			return 7, nil
		})
		time.Sleep(4 * time.Second)
		if _, info, _ := l.Peek(key); info.Due {
			t.Error("due after 4 of 10 s, want it after half of them")
		}
		time.Sleep(2 * time.Second)
		if _, info, _ := l.Peek(key); !info.Due {
			t.Errorf("after 6 of 10 s: %+v, want it due", info)
		}
	})
}

// TestRedisAndNearKeepAValueAsLong checks that a value's jitter is drawn once.
func TestRedisAndNearKeepAValueAsLong(t *testing.T) {
	server := servertest.MustStartRedis(t)
	c := mustJoin(t, server)
	l := mustLoader[int64](t, c, cache.Options{TTL: 24 * time.Hour, Jitter: 0.5})
	client := redis.NewClient(&redis.Options{Addr: server.Addr})
	defer client.Close()
	for i := range 10 {
		_, info := get(t, l, l.Key(fmt.Sprint(i)), tags, func(_ context.Context, fill *cache.Fill) (int64, error) {
			fill.TTL(12 * time.Hour)
			return 7, nil
		})
		if info.TTL > 12*time.Hour || info.TTL < 6*time.Hour-time.Minute || !info.SharedStored {
			t.Errorf("kept for %v, in Redis: %v; want 6 to 12 h, also there", info.TTL, info.SharedStored)
		}
		names, err := client.Keys(t.Context(), fmt.Sprintf("*:v:*test*%d", i)).Result()
		if err != nil || len(names) != 1 {
			t.Fatalf("the values in Redis are %q (%v), want one", names, err)
		}
		if left := client.PTTL(t.Context(), names[0]).Val(); left > info.TTL+time.Minute ||
			left < info.TTL-time.Minute {
			t.Errorf("Redis keeps it for %v, the near cache for %v", left, info.TTL)
		}
	}
}

// A value that says itself how long it may be kept, as an answer with a max-age does.
func ExampleFill_TTL() {
	c, err := cache.New(cache.Config{})
	if err != nil {
		panic(err)
	}
	loader, err := cache.NewLoader[string](c, cache.Options{Name: "rate", TTL: time.Hour})
	if err != nil {
		panic(err)
	}
	_, info, _ := loader.Get(context.Background(), loader.Key("EUR"), nil,
		func(_ context.Context, fill *cache.Fill) (string, error) {
			fill.TTL(time.Minute) // the source changes it every minute
			return "1.08", nil
		})
	fmt.Println(info.TTL.Round(time.Second))
	// Output: 1m0s
}
