package cache_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/cluster"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

func mustClear(t *testing.T, c *cache.Cache) {
	t.Helper()
	if err := c.Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// 1. A fill reads old. 2. A row is changed beside the program, and all is cleared. 3. The fill stores old.
func TestScheduleClear(t *testing.T) {
	c := mustNew(t, cache.Config{})
	l := mustLoader[int64](t, c, cache.Options{})
	var db truth
	slow := newSlowLoad()
	first := make(chan int64)
	go func() {
		v, _ := get(t, l, key, nil, slow.of(func() (int64, error) { return db.read(), nil }, nil))
		first <- v
	}()
	<-slow.read
	db.write()
	mustClear(t, c)
	close(slow.release)
	if got := <-first; got != 0 {
		t.Errorf("the caller from before got %d, want its own load's 0", got)
	}
	wantFresh(t, l, &db)
}

// 1. A fill reads old. 2. A row is changed, and all is cleared. 3. A reader arrives and joins the fill.
func TestScheduleJoiningAfterClear(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := mustNew(t, cache.Config{})
		l := mustLoader[int64](t, c, cache.Options{})
		var db truth
		slow := newSlowLoad()
		go l.Get(context.Background(), key, nil, slow.of(func() (int64, error) { return db.read(), nil }, nil))
		<-slow.read
		db.write()
		mustClear(t, c)
		late := make(chan int64)
		go func() {
			v, _ := get(t, l, key, nil, plain(func() (int64, error) { return db.read(), nil }))
			late <- v
		}()
		synctest.Wait() // it waits
		close(slow.release)
		if got := <-late; got != 1 {
			t.Errorf("a reader from after it got version %d, want 1", got)
		}
	})
}

// TestClear checks that nothing is served that was kept before, whatever its tags, that its room is free, and that what
// is loaded afterwards is kept.
func TestClear(t *testing.T) {
	c := mustNew(t, cache.Config{})
	l := mustLoader[int64](t, c, cache.Options{})
	for _, tags := range [][]string{nil, {"row"}} {
		get(t, l, fmt.Sprint(tags), tags, plain(func() (int64, error) { return 1, nil }))
	}
	mustClear(t, c)
	if got := c.Stats(); got.Entries != 0 || got.Clears != 1 || got.Invalidations != 0 {
		t.Errorf("afterwards the stats are %+v, want no entries and one clear", got)
	}
	for _, tags := range [][]string{nil, {"row"}} {
		v, info := get(t, l, fmt.Sprint(tags), tags, plain(func() (int64, error) { return 2, nil }))
		if v != 2 || !info.Stored {
			t.Errorf("tags %v: %d, %+v; want it loaded anew and kept", tags, v, info)
		}
		if _, info := get(t, l, fmt.Sprint(tags), tags, nil); info.Reason != cache.Hit {
			t.Errorf("tags %v: %+v, want a hit of what was loaded afterwards", tags, info)
		}
	}
}

// TestClearWithAPluggedStore checks that the store is left alone, and that nothing is served that it goes on having.
func TestClearWithAPluggedStore(t *testing.T) {
	store := &stubborn{values: map[any]any{"another's": 1}}
	c := mustNew(t, cache.Config{Store: store})
	l := mustLoader[int64](t, c, cache.Options{})
	get(t, l, key, nil, plain(func() (int64, error) { return 1, nil }))
	mustClear(t, c)
	if _, info, _ := l.Peek(key); info.Reason != cache.Invalidated || len(store.values) != 2 {
		t.Errorf("%+v, %d entries in the store; want it invalidated and left there", info, len(store.values))
	}
}

// TestClearInRedis checks that what is in Redis is left behind, of other releases too, without a key being deleted, and
// that nothing is left behind once more.
func TestClearInRedis(t *testing.T) {
	server := servertest.MustStartRedis(t)
	shared := &fakeLedger{}
	join := func(release string) (*cache.Cache, *cache.Loader[int64]) {
		c := mustNew(t, cache.Config{NoNear: true, Cluster: &cluster.Config{
			Redis: &redis.UniversalOptions{Addrs: []string{server.Addr}}, Ledger: shared, Release: release,
			Lease: 2 * time.Second, Timeout: 5 * time.Second, AckTimeout: 5 * time.Second,
		}})
		t.Cleanup(c.Close)
		mustHaveLease(t, c)
		return c, mustLoader[int64](t, c, cache.Options{})
	}
	c, l := join("new")
	_, old := join("old")
	read := func(l *cache.Loader[int64]) cache.Shared {
		_, info := get(t, l, key, nil, plain(func() (int64, error) { return 1, nil }))
		return info.Shared
	}
	for _, l := range []*cache.Loader[int64]{l, old} {
		if read(l); read(l) != cache.SharedHit {
			t.Fatal("the value is not in Redis")
		}
	}
	client := redis.NewClient(&redis.Options{Addr: server.Addr})
	defer client.Close()
	values := func() int { return len(client.Keys(t.Context(), "*:v:*").Val()) }
	before, epoch := values(), shared.epoch()
	mustClear(t, c)
	if shared.epoch() != epoch+1 || values() != before {
		t.Errorf("epoch %d after %d, %d values after %d; want a bump and no value deleted",
			shared.epoch(), epoch, values(), before)
	}
	for name, l := range map[string]*cache.Loader[int64]{"new": l, "old": old} {
		if got := read(l); got == cache.SharedHit {
			t.Errorf("release %s: it is still a hit", name)
		}
	}
	mustHaveLease(t, c)
	if read(l); read(l) != cache.SharedHit {
		t.Error("what is loaded afterwards is not kept in Redis")
	}
}

// TestClearThatNobodyWaitsFor checks what a caller gets whose ctx ends first, and that the rest goes on without it.
func TestClearThatNobodyWaitsFor(t *testing.T) {
	server := servertest.MustStartRedis(t)
	shared := &fakeLedger{}
	c := mustNew(t, cache.Config{Cluster: &cluster.Config{
		Redis: &redis.UniversalOptions{Addrs: []string{server.Addr}}, Ledger: shared,
		Lease: 2 * time.Second, Timeout: 5 * time.Second,
	}})
	mustHaveLease(t, c)
	epoch := shared.epoch()
	ctx, leave := context.WithCancel(t.Context())
	leave()
	if err := c.Clear(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("it returned %v, want context.Canceled", err)
	}
	c.Close()
	if got := shared.epoch(); got != epoch+1 {
		t.Errorf("the epoch is %d after %d, want it bumped once", got, epoch)
	}
	if err := c.Clear(t.Context()); err == nil {
		t.Error("a closed cache was cleared")
	}
}

// All is loaded anew after rows were changed beside the program.
func ExampleCache_Clear() {
	price := 7 // the database
	c, err := cache.New(cache.Config{})
	if err != nil {
		panic(err)
	}
	loader, err := cache.NewLoader[int](c, cache.Options{Name: "price", TTL: time.Hour})
	if err != nil {
		panic(err)
	}
	get := func() {
		v, _, _ := loader.Get(context.Background(), loader.Key("yoyo"), nil,
			func(context.Context, *cache.Fill) (int, error) { return price, nil })
		fmt.Println(v)
	}
	get()
	price = 9 // by hand
	if err := c.Clear(context.Background()); err != nil {
		panic(err)
	}
	get()
	// Output:
	// 7
	// 9
}
