package cache_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/cluster"
	"github.com/woodytoys/woodytoys/internal/servers"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// mustStartTwo starts two replicas, so far from Redis, whose fill leases nobody but their holders ends: a fill that is
// not ended is waited for for ever.
func mustStartTwo(t *testing.T, server *servers.Redis, far, lease time.Duration) (both [2]*burster) {
	t.Helper()
	shared := &fakeLedger{}
	for i := range both {
		wire, err := servers.StartWire(server.Addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(wire.Close)
		wire.MoveAway(far)
		r := &burster{}
		r.Cache = mustNew(t, cache.Config{Cluster: &cluster.Config{
			Redis: &redis.UniversalOptions{Addrs: []string{wire.Addr}}, Ledger: shared,
			Lease: lease, FillLease: time.Hour, Timeout: 10 * time.Second, AckTimeout: 10 * time.Second,
		}})
		r.rows = mustLoader[int64](t, r.Cache, cache.Options{Name: "row"})
		t.Cleanup(r.Close)
		mustHaveLease(t, r.Cache)
		both[i] = r
	}
	return both
}

// TestCrossedBatches asks for the same cold keys on two replicas at once, in opposite orders, so that each gets the
// fill leases of some and needs what the other fills. It checks that all callers get their values, that each key is
// loaded once, and that nobody waits for longer than for a load of the other.
func TestCrossedBatches(t *testing.T) {
	const keys, enough, rounds = 400, 3, 100
	both := mustStartTwo(t, servertest.MustStartRedis(t), time.Millisecond, 10*time.Second)
	crossed, round := 0, 0
	for ; crossed < enough && round < rounds; round++ {
		var mu sync.Mutex
		loads := map[string]int{}
		var by [2]int
		ask := func(r int) {
			var asks []cache.Ask
			for i := range keys {
				asks = append(asks, asksOf(both[r].rows.Key(fmt.Sprint(round), fmt.Sprint(i)))...)
			}
			if r == 1 {
				slices.Reverse(asks)
			}
			ctx, giveUp := context.WithTimeout(t.Context(), 2*time.Minute)
			defer giveUp()
			got := both[r].rows.GetMany(ctx, asks, func(_ context.Context, batch *cache.Batch[int64]) error {
				mu.Lock()
				defer mu.Unlock()
				for _, i := range batch.Missing() {
					loads[asks[i].Key]++
					by[r]++
					batch.Set(i, 7)
				}
				return nil
			})
			for i, g := range got {
				if g.Value != 7 || g.Err != nil {
					t.Errorf("round %d, replica %d: place %d is answered with %d, %v", round, r, i, g.Value, g.Err)
					return
				}
			}
		}
		var group sync.WaitGroup
		group.Go(func() { ask(0) })
		group.Go(func() { ask(1) })
		group.Wait()
		if t.Failed() {
			return
		}
		for key, n := range loads {
			if n != 1 {
				t.Errorf("round %d: %q was loaded %d times, want once", round, key, n)
			}
		}
		if by[0] > 0 && by[1] > 0 {
			crossed++
		}
	}
	if t.Logf("%d of %d rounds were crossed", crossed, round); crossed < enough {
		t.Error("the replicas did not have leases that the other waited for")
	}
}

// TestABatchTakesFewRoundTrips checks that a hundred cold keys are loaded by one call, and read from Redis together,
// then and when they are found there.
func TestABatchTakesFewRoundTrips(t *testing.T) {
	const keys = 100
	server := servertest.MustStartRedis(t)
	both := mustStartTwo(t, server, 0, 10*time.Second)
	client := redis.NewClient(&redis.Options{Addr: server.Addr})
	defer client.Close()
	calls := func(command string) (n int) {
		text, err := client.Info(t.Context(), "commandstats").Result()
		if err != nil {
			t.Fatal(err)
		}
		if _, rest, found := strings.Cut(text, "cmdstat_"+command+":calls="); found {
			fmt.Sscanf(rest, "%d", &n)
		}
		return n
	}
	var asks []cache.Ask
	for i := range keys {
		asks = append(asks, asksOf(both[0].rows.Key(fmt.Sprint(i)))...)
	}
	loads := 0
	load := func(ctx context.Context, batch *cache.Batch[int64]) error {
		loads++
		return setAll(7)(ctx, batch)
	}
	for i, r := range both {
		mgets, gets := calls("mget"), calls("get")-calls("evalsha")
		got := r.rows.GetMany(t.Context(), asks, load)
		wantMany(t, got, 7)
		for place, g := range got {
			want := []cache.Shared{cache.SharedMiss, cache.SharedHit}[i]
			if g.Info.Shared != want || g.Info.SharedStored != (i == 0) {
				t.Fatalf("replica %d: place %d is %+v, want it filled by the first for both", i, place, g.Info)
			}
		}
		if n := calls("mget") - mgets; n > 6 {
			t.Errorf("replica %d: %d MGETs for %d keys, want 6 at most", i, n, keys)
		}
		if n := calls("get") - calls("evalsha") - gets; n > 20 { // finish.lua has a GET of its own
			t.Errorf("replica %d: %d GETs", i, n)
		}
	}
	if loads != 1 {
		t.Errorf("%d loads, want 1", loads)
	}
	for i, want := range []uint64{keys, 0} {
		if got := both[i].Stats().Loaders[0]; got.SharedMisses != want || got.SharedHits != keys-want ||
			got.SharedAway != 0 {
			t.Errorf("replica %d counts %+v, want %d filled for all and %d found", i, got, want, keys-want)
		}
	}
}
