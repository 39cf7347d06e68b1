package cache_test

import (
	"flag"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/cluster"
	"github.com/woodytoys/woodytoys/cache/ledger"
	"github.com/woodytoys/woodytoys/internal/servers"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// writesOfABurst is how many writes come while the keys of a burst are filled.
const writesOfABurst = 5

var burstRounds = flag.Int("burst-rounds", 2, "how many bursts there are of each size")

// TestABurstOfMissesBumpsNoEpoch reads many cold keys at once by two replicas, round after round, each some
// milliseconds away from a Redis that is well, while five writes come. It checks that fills may delay each other but no
// write, and that nobody takes Redis for unreachable, which would empty everybody's cache.
func TestABurstOfMissesBumpsNoEpoch(t *testing.T) {
	server := servertest.MustStartRedis(t)
	var waits []time.Duration
	for _, row := range []struct {
		keys int
		far  time.Duration
	}{{1000, time.Millisecond}, {1000, 5 * time.Millisecond}, {4000, time.Millisecond}, {4000, 5 * time.Millisecond}} {
		ledger := &fakeLedger{}
		replicas := []*burster{mustStartFar(t, server, ledger, row.far), mustStartFar(t, server, ledger, row.far)}
		for _, r := range replicas { // a first write waits for the leases of those who may have been before
			if err := r.Invalidate("nothing"); err != nil {
				t.Fatal(err)
			}
		}
		before := ledger.epoch()
		for round := range *burstRounds {
			name := fmt.Sprintf("%d keys, %v away, round %d", row.keys, row.far, round)
			waits = append(waits, burst(t, replicas[round%2], replicas[(round+1)%2], name, row.keys)...)
		}
		if bumps := ledger.epoch() - before; bumps > 0 {
			t.Errorf("%d keys, %v away: the epoch was bumped %d times though Redis was well", row.keys, row.far, bumps)
		}
		for _, r := range replicas {
			r.Close()
		}
	}
	slices.Sort(waits)
	n := len(waits)
	t.Logf("%d writes: p50 %v, p99 %v, the longest %v", n, waits[n/2], waits[n*99/100-1], waits[n-1])
}

// burster is a replica whose reads come in bursts.
type burster struct {
	*cache.Cache
	rows *cache.Loader[int64]
}

// mustStartFar starts a replica that is so far from Redis, and waits until it has a lease.
func mustStartFar(t *testing.T, server *servers.Redis, ledger ledger.Ledger, far time.Duration) *burster {
	t.Helper()
	wire, err := servers.StartWire(server.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(wire.Close)
	wire.MoveAway(far)
	r := &burster{}
	// The bounds are wide, for on a busy machine this process may be slow; and the connections few, so that a burst
	// that has them all takes longer than the bounds.
	r.Cache = mustNew(t, cache.Config{Cluster: &cluster.Config{
		Redis: &redis.UniversalOptions{Addrs: []string{wire.Addr}, PoolSize: 4}, Ledger: ledger,
		Lease: 5 * time.Second, Timeout: 3 * time.Second, AckTimeout: 3 * time.Second,
	}})
	r.rows = mustLoader[int64](t, r.Cache, cache.Options{Name: "row"})
	mustHaveLease(t, r.Cache)
	return r
}

// burst reads cold keys from a replica, all at once, and returns how long the writes took that came meanwhile.
func burst(t *testing.T, reader, writer *burster, name string, keys int) (waits []time.Duration) {
	var group sync.WaitGroup
	begin := make(chan struct{})
	for i := range keys {
		group.Go(func() {
			<-begin
			key := reader.rows.Key(name, fmt.Sprint(i))
			get(t, reader.rows, key, []string{key}, plain(func() (int64, error) { return 1, nil }))
		})
	}
	close(begin)
	for i := range writesOfABurst {
		began := time.Now()
		if err := []*burster{reader, writer}[i%2].Invalidate("a row that is written"); err != nil {
			t.Error(err)
		}
		waits = append(waits, time.Since(began))
	}
	group.Wait()
	return waits
}
