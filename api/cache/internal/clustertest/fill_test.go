package clustertest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/api/cache"
)

// askTogether has callers ask all of some replicas for a row at once, and answers how long each waited
// and what failed.
func askTogether(replicas []*process, callers int, key, query string) (waits []time.Duration, failed []error) {
	waits, failed = make([]time.Duration, callers), nil
	var mu sync.Mutex
	var group sync.WaitGroup
	began := time.Now()
	for i := range callers {
		group.Go(func() {
			a, err := replicas[i%len(replicas)].read(key, query)
			if err == nil && a.version != 1 {
				err = fmt.Errorf("got version %d", a.version)
			}
			mu.Lock()
			defer mu.Unlock()
			waits[i] = time.Since(began)
			if err != nil {
				failed = append(failed, err)
			}
		})
	}
	group.Wait()
	return waits, failed
}

// TestOneFill has 1,000 callers on three replicas ask for one cold key.
func TestOneFill(t *testing.T) {
	s := mustStart(t, 0)
	s.mustStartReplicas(3, settings{Patient: true, FillLease: 10 * time.Second})
	for round, key := range []string{"a", "b", "c"} {
		if _, failed := askTogether(s.replicas, 1000, key, "?slow=50ms"); len(failed) > 0 {
			t.Errorf("round %d: %d callers failed, the first with %v", round, len(failed), failed[0])
		}
		if got := s.fills(key); got != 1 {
			t.Errorf("round %d: %d fills, want 1", round, got)
		}
	}
}

// TestOneFillTakesLong has the fill outlast the fill lease a few times over.
func TestOneFillTakesLong(t *testing.T) {
	t.Parallel()
	s := mustStart(t, 2)
	if _, failed := askTogether(s.replicas, 20, "a", "?slow=2500ms"); len(failed) > 0 {
		t.Errorf("%d callers failed, the first with %v", len(failed), failed[0])
	}
	if got := s.fills("a"); got != 1 {
		t.Errorf("%d fills, want 1: the filler's lease was to be renewed", got)
	}
}

// TestFillerDies kills the filler (-9) half-way. Another replica fills, and nobody waits for longer than
// the fill lease and one load.
func TestFillerDies(t *testing.T) {
	const load, fillLease = 500 * time.Millisecond, time.Second
	s := mustStart(t, 0)
	s.mustStartReplicas(3, settings{Patient: true, FillLease: fillLease})
	filler, others := s.replicas[0], s.replicas[1:]
	go filler.read("a", "?slow=10s")
	await(t, "the fill has begun", 5*time.Second, func() bool { return s.fills("a") == 1 })
	go func() {
		time.Sleep(200 * time.Millisecond) // the others wait by then
		filler.Kill()
	}()
	waits, failed := askTogether(others, 600, "a", "?slow="+load.String())
	if len(failed) > 0 {
		t.Errorf("%d callers failed, the first with %v", len(failed), failed[0])
	}
	if got := s.fills("a"); got != 2 {
		t.Errorf("%d fills, want 2: the one that died and one more", got)
	}
	longest := time.Duration(0)
	for _, wait := range waits {
		longest = max(longest, wait)
	}
	// The kill came 200 ms after the first of them; the machine gets a second for 600 connections.
	if bound := 200*time.Millisecond + fillLease + load + time.Second; longest > bound {
		t.Errorf("a caller waited %v, want at most %v", longest, bound)
	}
	t.Logf("the longest wait was %v", longest)
}

// TestRedisAlone has replicas keep nothing near: every read goes to Redis, and all of them still hold.
func TestRedisAlone(t *testing.T) {
	t.Parallel()
	s := mustStart(t, 1)
	bare := s.mustStartReplica(settings{Name: "bare", NoNear: true})
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

// TestARestartedReplicaFindsTheValues holds that what Redis has from before a replica's session serves it.
func TestARestartedReplicaFindsTheValues(t *testing.T) {
	t.Parallel()
	s := mustStart(t, 1)
	s.replicas[0].mustWrite("b")
	s.replicas[0].mustRead("a")
	s.replicas[0].mustRead("b")
	s.replicas[0].mustWrite("b")
	late := s.mustStartReplica(settings{Name: "late"})
	late.awaitLive()
	if a := late.mustRead("a"); cache.Shared(a.shared) != cache.SharedHit {
		t.Errorf("a replica that came later: %+v, want a hit in Redis", a)
	}
	if a := late.mustRead("b"); a.version != 3 || cache.Shared(a.shared) == cache.SharedHit {
		t.Errorf("a value that was invalidated before the replica came: %+v, want a load", a)
	}
}
