package clustertest

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// askTogether asks all of some replicas for a row by many callers at once, and returns what failed.
func askTogether(replicas []*process, callers int, key, query string) (failed []error) {
	var mu sync.Mutex
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() {
			a, err := replicas[i%len(replicas)].read(key, query)
			if err == nil && a.version != 1 {
				err = fmt.Errorf("got version %d", a.version)
			}
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = append(failed, err)
			}
		})
	}
	group.Wait()
	return failed
}

// TestOneFill checks that 1,000 callers on three replicas who ask for one cold key cause one fill.
func TestOneFill(t *testing.T) {
	s := mustStart(t, 0)
	s.mustStartReplicas(3, settings{Patient: true, FillLease: 10 * time.Second})
	for round, key := range []string{"a", "b", "c"} {
		if failed := askTogether(s.replicas, 1000, key, "?slow=50ms"); len(failed) > 0 {
			t.Errorf("round %d: %d callers failed, the first with %v", round, len(failed), failed[0])
		}
		if got := s.fills(key); got != 1 {
			t.Errorf("round %d: %d fills, want 1", round, got)
		}
	}
}

// TestOneFillTakesLong checks the same for a fill that takes many fill leases.
func TestOneFillTakesLong(t *testing.T) {
	t.Parallel()
	s := mustStart(t, 0)
	s.mustStartReplicas(2, settings{Patient: true, FillLease: 3 * time.Second})
	if failed := askTogether(s.replicas, 20, "a", "?slow=20s"); len(failed) > 0 {
		t.Errorf("%d callers failed, the first with %v", len(failed), failed[0])
	}
	if got := s.fills("a"); got != 1 {
		t.Errorf("%d fills, want 1: the filler's lease was to be renewed", got)
	}
}

// TestFillerDies kills the filler (-9) while all wait for it. Another replica fills, and nobody waits for
// longer than the fill lease and one load.
func TestFillerDies(t *testing.T) {
	const callers, load, fillLease = 600, 500 * time.Millisecond, 10 * time.Second
	s := mustStart(t, 0)
	s.mustStartReplicas(3, settings{Patient: true, FillLease: fillLease})
	filler, others := s.replicas[0], s.replicas[1:]
	go filler.read("a", "?slow=1h")
	await(t, "the fill has begun", servers.Patience, func() bool { return s.fills("a") == 1 })
	answered := make(chan []error, 1)
	go func() { answered <- askTogether(others, callers, "a", "?slow="+load.String()) }()
	await(t, "all wait", servers.Patience, func() bool {
		return others[0].metric("waiting")+others[1].metric("waiting") == callers
	})
	filler.Kill()
	died := time.Now()
	if failed := <-answered; len(failed) > 0 {
		t.Errorf("%d callers failed, the first with %v", len(failed), failed[0])
	}
	took := time.Since(died)
	if got := s.fills("a"); got != 2 {
		t.Errorf("%d fills, want 2: the one that died and one more", got)
	}
	// The machine gets its time for 600 answers; who waits for the dead waits until the client gives up.
	if bound := fillLease + load + servers.Patience/2; took > bound {
		t.Errorf("the last caller was answered %v after the filler died, want at most %v", took, bound)
	}
	t.Logf("the last caller was answered after %v", took)
}

// TestFillerIsLeft cancels the filler's callers while others wait for it on another replica. It checks that the fill
// ends, that its lease is given back, and that one of the others fills.
func TestFillerIsLeft(t *testing.T) {
	const fillLease = 5 * time.Minute
	s := mustStart(t, 0)
	s.mustStartReplicas(2, settings{Patient: true, FillLease: fillLease})
	filler, other := s.replicas[0], s.replicas[1]
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	for range 3 {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, filler.url+"/row/a?slow=1h", nil)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			if response, err := http.DefaultClient.Do(request); err == nil {
				response.Body.Close()
			}
		}()
	}
	await(t, "the fill has begun", servers.Patience,
		func() bool { return s.fills("a") == 1 && filler.metric("waiting") == 3 })
	answered := make(chan []error, 1)
	go func() { answered <- askTogether([]*process{other}, 20, "a", "") }()
	await(t, "all wait", servers.Patience, func() bool { return other.metric("waiting") == 20 })
	left := time.Now()
	leave()
	if failed := <-answered; len(failed) > 0 {
		t.Errorf("%d callers failed, the first with %v", len(failed), failed[0])
	}
	if took := time.Since(left); took > fillLease/2 {
		t.Errorf("the others were answered after %v: the lease was not given back", took)
	}
	if got := s.fills("a"); got != 2 {
		t.Errorf("%d fills, want 2: the one that was left and one more", got)
	}
}

// steady is for tests that want hits of Redis and write: no lease is lost to the machine, nor Redis, and a
// first write waits for less than with Patient.
var steady = settings{Lease: 10 * time.Second, Timeout: 10 * time.Second}

// TestRedisAlone checks that a replica without a near cache reads from Redis each time, and sees others' fills and
// writes.
func TestRedisAlone(t *testing.T) {
	t.Parallel()
	s := mustStart(t, 0)
	s.mustStartReplicas(1, steady)
	bare := s.mustStartReplica(settings{Name: "bare", NoNear: true, Lease: steady.Lease, Timeout: steady.Timeout})
	bare.awaitLive()
	s.replicas[0].mustRead("a")
	for range 3 {
		if a := bare.mustRead("a"); a.version != 1 || cache.Shared(a.shared) != cache.SharedHit {
			t.Errorf("a read without a near cache: %+v, want a hit in Redis", a)
		}
	}
	if got := s.fills("a"); got != 1 {
		t.Errorf("%d fills, want 1", got)
	}
	bare.wantRead("a", s.replicas[0].mustWrite("a"))
	s.replicas[0].wantRead("a", bare.mustWrite("a"))
}

// TestARestartedReplicaFindsTheValues checks that what Redis has from before a replica's session serves it.
func TestARestartedReplicaFindsTheValues(t *testing.T) {
	t.Parallel()
	s := mustStart(t, 0)
	s.mustStartReplicas(1, steady)
	s.replicas[0].mustWrite("b")
	s.replicas[0].mustRead("a")
	s.replicas[0].mustRead("b")
	version := s.replicas[0].mustWrite("b")
	late := s.mustStartReplica(settings{Name: "late", Lease: steady.Lease, Timeout: steady.Timeout})
	late.awaitLive()
	if a := late.mustRead("a"); cache.Shared(a.shared) != cache.SharedHit {
		t.Errorf("a replica that came later: %+v, want a hit in Redis", a)
	}
	// Any number of hits of values from before it came take a round trip each, and no second one for their marks.
	bare := s.mustStartReplica(settings{Name: "bare", NoNear: true, Lease: steady.Lease, Timeout: steady.Timeout})
	bare.awaitLive()
	const hits = 300
	before := s.mustCountCommands("get", "mget", "hmget")
	for range hits {
		if a := bare.mustRead("a"); cache.Shared(a.shared) != cache.SharedHit {
			t.Fatalf("a replica that keeps nothing: %+v, want a hit in Redis", a)
		}
	}
	// Renewals ask too.
	if asked := s.mustCountCommands("get", "mget", "hmget") - before; asked < hits || asked > hits+hits/2 {
		t.Errorf("%d hits asked Redis %d times", hits, asked)
	}
	if a := late.mustRead("b"); a.version != version || cache.Shared(a.shared) == cache.SharedHit {
		t.Errorf("a value that was invalidated before the replica came: %+v, want a load", a)
	}
}

// mustCountCommands returns how often Redis has carried out some commands, also for scripts.
func (s *system) mustCountCommands(names ...string) (n int) {
	s.t.Helper()
	client := s.redis.Client()
	defer client.Close()
	stats, err := client.Info(s.t.Context(), "commandstats").Result()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, name := range names {
		_, rest, found := strings.Cut(stats, "cmdstat_"+name+":calls=")
		if !found {
			continue
		}
		text, _, _ := strings.Cut(rest, ",")
		calls, err := strconv.Atoi(text)
		if err != nil {
			s.t.Fatal(err)
		}
		n += calls
	}
	return n
}
