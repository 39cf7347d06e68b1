package clustertest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// readers ask for rows without a pause until they are told to stop.
type readers struct {
	stop   atomic.Bool
	group  sync.WaitGroup
	mu     sync.Mutex
	waits  []time.Duration
	failed []error
}

func startReaders(s *system, n int, query string) *readers {
	l := &readers{}
	for i := range n {
		l.group.Go(func() {
			for turn := i; !l.stop.Load(); turn++ {
				began := time.Now()
				_, err := s.replicas[turn%len(s.replicas)].read([]string{"a", "b", "c"}[turn%3], query)
				l.note(time.Since(began), err)
				time.Sleep(time.Millisecond)
			}
		})
	}
	return l
}

func (l *readers) note(wait time.Duration, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waits = append(l.waits, wait)
	if err != nil {
		l.failed = append(l.failed, err)
	}
}

// end returns the 99th percentile and the longest of the waits.
func (l *readers) end() (p99, longest time.Duration) {
	l.stop.Store(true)
	l.group.Wait()
	slices.Sort(l.waits)
	return l.waits[len(l.waits)*99/100], l.waits[len(l.waits)-1]
}

// TestRedisGone takes Redis away from under a load of reads, in three ways, and gives it back.
func TestRedisGone(t *testing.T) {
	t.Parallel()
	const load = 20 * time.Millisecond
	// A reader may wait for one command that runs into its timeout, for the load before its own and for
	// its own: 290 ms. On a slow machine it is longer, but less than go-redis has been told to wait: see serve.
	const bound = 20 * time.Second
	for _, way := range []struct {
		name       string
		take, give func(r *servers.Redis) error
	}{
		{"killed", func(r *servers.Redis) error { r.Kill(); return nil }, (*servers.Redis).Restart},
		{"stopped", func(r *servers.Redis) error { r.Stop(5 * time.Second); return nil }, (*servers.Redis).Restart},
		{"paused", func(r *servers.Redis) error { return r.Signal(syscall.SIGSTOP) },
			func(r *servers.Redis) error { return r.Signal(syscall.SIGCONT) }},
	} {
		t.Run(way.name, func(t *testing.T) {
			s := mustStart(t, 1)
			s.mustStartReplicas(1, settings{NoNear: true}) // it asks Redis at every read
			l := startReaders(s, 16, "?slow="+load.String())
			time.Sleep(500 * time.Millisecond)
			if err := way.take(s.redis); err != nil {
				t.Fatal(err)
			}
			time.Sleep(3 * time.Second)
			p99, longest := l.end()
			if len(l.failed) > 0 {
				t.Errorf("%d of %d reads failed, the first with %v", len(l.failed), len(l.waits), l.failed[0])
			}
			if longest >= bound {
				t.Errorf("a read waited %v without Redis, want less than %v", longest, bound)
			}
			for _, r := range s.replicas {
				if most, err := r.call("GET", "/most"); most != "1" || err != nil {
					t.Errorf("%s loads of one key at a time (%v), want 1", most, err)
				}
			}
			if err := way.give(s.redis); err != nil {
				t.Fatal(err)
			}
			returned := time.Now()
			for _, r := range s.replicas {
				await(t, "reads are hits again", servers.Patience, func() bool {
					a := r.mustRead("a")
					return a.reason == 0 || cache.Shared(a.shared) == cache.SharedHit
				})
			}
			t.Logf("%d reads, p99 %v, longest %v; hits again %v after its return", len(l.waits), p99, longest,
				time.Since(returned).Round(time.Millisecond))
			s.replicas[0].wantRead("a", s.replicas[1].mustWrite("a"))
		})
	}
}

// TestOneReplicaWithoutRedis cuts one of three replicas off from Redis. It goes on writing, and so do the others: no
// epoch is bumped, so that the others lose no session and no value, and their writes wait for no gate.
func TestOneReplicaWithoutRedis(t *testing.T) {
	t.Parallel()
	oneWithoutRedis(t, mustStart(t, 0))
}

func oneWithoutRedis(t *testing.T, s *system) {
	s.mustStartReplicas(3, settings{Lease: 10 * lease, Timeout: 10 * time.Second, AckTimeout: 10 * time.Second})
	cutOff, others := s.replicas[0], s.replicas[1:]
	cutOff.wire.Cut()
	await(t, "the writer has no session", servers.Patience, func() bool { return cutOff.metric("breaker_open") == 1 })
	await(t, "it is off the list", servers.Patience, func() bool { return others[0].metric("members") == 2 })
	others[0].mustWrite("c") // it waits for nobody any more
	others[0].mustRead("b")
	epoch, sessions := others[0].metric("epoch"), others[0].metric("sessions_total")
	const writes = 10
	for range writes {
		version := cutOff.mustWrite("a")
		for _, r := range s.replicas {
			r.wantRead("a", version)
		}
		others[0].wantRead("a", others[1].mustWrite("a"))
	}
	if got := others[0].metric("epoch"); got != epoch {
		t.Errorf("the epoch is %v, want %v still", got, epoch)
	}
	if got := others[0].metric("sessions_total"); got != sessions {
		t.Errorf("a replica with Redis has begun %v sessions, want %v still", got, sessions)
	}
	if got := cutOff.metric("invalidations_handed_over_total"); got < writes {
		t.Errorf("%v writes were handed over, want %d", got, writes)
	}
	if got := s.fills("b"); got != 1 {
		t.Errorf("%d fills of what nobody wrote, want 1", got)
	}
	cutOff.wire.Mend()
	cutOff.awaitLive()
	others[0].wantRead("a", cutOff.mustWrite("a"))
}

// TestDatabaseGone takes the database away from under a load of reads: what is cached is still answered. It is at once
// where the one server refuses connections, and after five leases where that server is silent, or a proxy refuses.
func TestDatabaseGone(t *testing.T) {
	t.Parallel()
	const lease = 8 * time.Second // so that none is lost to the load
	for _, way := range []struct {
		name           string
		paused, atOnce bool // it is paused, not killed; it counts as away at once
		cluster        bool
	}{
		{"killed", false, true, false}, {"paused", true, false, false}, {"killed behind a proxy", false, false, true},
	} {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			s := mustStartOn(t, mustStartMariaDB(t), 0)
			s.mustStartReplicas(2, settings{Lease: lease, Timeout: lease, TTL: time.Hour, Cluster: way.cluster})
			for _, r := range s.replicas {
				for _, key := range []string{"a", "b", "c"} {
					r.mustRead(key)
				}
			}
			if way.paused {
				s.mariadb.Signal(syscall.SIGSTOP)
			} else {
				s.mariadb.Kill()
			}
			if !way.atOnce {
				// A database that does not answer may be slow for one replica alone: for hungFor leases
				// nothing is served that it might have changed. Then it counts as away.
				for _, r := range s.replicas {
					await(t, "the lease is over", servers.Patience,
						func() bool { return r.metric("lease_seconds") <= 0 })
				}
				for _, r := range s.replicas {
					await(t, "the database counts as away", servers.Patience,
						func() bool { return r.metric("lease_seconds") > 0 })
				}
			}
			l := startReaders(s, 8, "")
			time.Sleep(2 * lease)
			p99, longest := l.end()
			if len(l.failed) > 0 {
				t.Errorf("%d of %d reads failed, the first with %v", len(l.failed), len(l.waits), l.failed[0])
			}
			t.Logf("%d reads without a database, p99 %v, longest %v", len(l.waits), p99, longest)
			if !way.paused {
				if _, err := s.replicas[0].write("a", ""); err == nil {
					t.Error("a write was acknowledged without a database")
				}
				if err := s.mariadb.Restart(); err != nil {
					t.Fatal(err)
				}
			} else {
				s.mariadb.Signal(syscall.SIGCONT)
			}
			var version int
			await(t, "writes go through again", servers.Patience, func() bool {
				var err error
				version, err = s.replicas[0].write("a", "")
				return err == nil
			})
			s.replicas[1].wantRead("a", version)
		})
	}
}

// TestAnotherLeaseIsRefused checks that replicas which could not wait for each other rightly do not share.
func TestAnotherLeaseIsRefused(t *testing.T) {
	t.Parallel()
	s := mustStart(t, 1)
	redis := s.redis.Client()
	defer redis.Close()
	if err := redis.HSet(t.Context(), s.key("state"), "lease", strconv.Itoa(5000)).Err(); err != nil {
		t.Fatal(err)
	}
	other := s.mustStartReplica(settings{Name: "other"})
	await(t, "the other replica says why it does not cache", servers.Patience, func() bool {
		return containsAll(other.Log(), "lease of 5000 ms", "cluster.Config.Lease")
	})
	if a := other.mustRead("a"); a.version != 1 {
		t.Errorf("a replica without a session answers %+v", a)
	}
	if got := fmt.Sprint(other.metric("breaker_open")); got != "1" {
		t.Errorf("breaker_open = %s, want 1", got)
	}
}

// TestRedisFull makes Redis refuse whatever needs memory, as by default once it is full. It checks that replicas keep
// their sessions, that writes are announced over the bus, that near values are hits, and that each replica logs what is
// wrong.
func TestRedisFull(t *testing.T) {
	t.Parallel()
	s := mustStart(t, 0)
	redis := s.redis.Client()
	defer redis.Close()
	mustSet := func(maxmemory string) {
		t.Helper()
		if err := redis.ConfigSet(t.Context(), "maxmemory", maxmemory).Err(); err != nil {
			t.Fatal(err)
		}
	}
	s.mustStartReplicas(1, settings{Patient: true})
	s.replicas[0].mustRead("a")
	sessions := s.replicas[0].metric("sessions_total")
	epoch := s.replicas[0].metric("epoch")
	mustSet("1")
	s.mustStartReplicas(1, settings{Patient: true}) // it joins all the same
	if !containsAll(s.replicas[1].Log(), "noeviction", "maxmemory-policy allkeys-lru") {
		t.Error("a replica that begins on a Redis which drops nothing does not say so")
	}
	var version int
	for i := range 20 {
		version = s.replicas[i%2].mustWrite("a")
		for _, r := range s.replicas {
			r.wantRead("a", version)
			if a := r.mustRead("a"); a.reason != 0 || a.version != version {
				t.Errorf("a second read is %+v, want a near hit of version %d", a, version)
			}
		}
	}
	if got := s.replicas[0].metric("sessions_total"); got != sessions {
		t.Errorf("%v sessions after %v, want the one that was there", got, sessions)
	}
	for _, r := range s.replicas {
		if bumped := r.metric("epochs_raised_total"); r.metric("epoch") != epoch {
			t.Errorf("epoch %v after %v, of which this replica made %v; want the one that was", r.metric("epoch"),
				epoch, bumped)
		}
		if r.metric("redis_full_total") == 0 {
			t.Error("no fill is counted as one that Redis had no room for")
		}
		if n := strings.Count(r.Log(), "Redis has no room for a fill"); n != 1 || !containsAll(r.Log(), "maxmemory") {
			t.Errorf("the log speaks of it %d times, want once a minute", n)
		}
	}
	mustSet("0")
	await(t, "fills are shared again", servers.Patience, func() bool {
		version = s.replicas[0].mustWrite("a")
		s.replicas[0].wantRead("a", version)
		return cache.Shared(s.replicas[1].mustRead("a").shared) == cache.SharedHit
	})
	s.replicas[1].wantRead("a", version)
}

// TestAStallOfRedis stops Redis until no replica can use it, has each of two write, and lets Redis go on. Each hands
// its write over, and each finds the other's, and its own. None waits for the other to end first.
func TestAStallOfRedis(t *testing.T) {
	t.Parallel()
	const lease = 20 * time.Second // a write that is not taken within half of it is not handed over
	for _, n := range []int{1, 2} {
		s := mustStart(t, 0)
		s.mustStartReplicas(n, settings{Lease: lease, Timeout: 2 * time.Second})
		s.redis.Signal(syscall.SIGSTOP)
		for _, r := range s.replicas {
			await(t, "Redis is away", servers.Patience, func() bool { return r.metric("breaker_open") == 1 })
		}
		epoch := s.replicas[0].metric("epoch")
		began := time.Now()
		var group sync.WaitGroup
		for i, r := range s.replicas {
			group.Go(func() {
				if _, err := r.write([]string{"a", "b"}[i], ""); err != nil {
					t.Error(err)
				}
			})
		}
		await(t, "the writes are handed over", servers.Patience, func() bool {
			return s.mustCount("SELECT COUNT(*) FROM toys_outbox WHERE recorded_us = 0") == n
		})
		s.redis.Signal(syscall.SIGCONT)
		group.Wait()
		took := time.Since(began)
		t.Logf("%d replicas: %v", n, took)
		if got := s.replicas[0].metric("epoch"); got != epoch || took > 6*lease {
			t.Errorf("%d replicas: after %v the epoch is %v, want %v still, and less", n, took, got, epoch)
		}
	}
}
