package clustertest

import (
	"syscall"
	"testing"

	"github.com/woodytoys/woodytoys/internal/servers"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// mustStartWatched starts n replicas over a Redis that sentinels watch.
func mustStartWatched(t *testing.T, n int) (*system, *servers.WatchedRedis, settings) {
	t.Helper()
	watched := servertest.MustStartWatchedRedis(t, nil)
	with := settings{Sentinels: watched.Addrs()}
	s := mustStart(t, 0)
	s.mustStartReplicas(n, with)
	return s, watched, with
}

// wantWhole fails the test unless each replica answers from its cache, and right.
func (s *system) wantWhole(version int) {
	s.t.Helper()
	for _, r := range s.replicas {
		await(s.t, "the replica has a lease again", servers.Patience,
			func() bool { return r.metric("lease_seconds") > 0 })
		r.wantRead("a", version)
	}
	version = s.replicas[0].mustWrite("a")
	for _, r := range s.replicas {
		r.wantRead("a", version)
	}
}

// TestSentinelsMoveRedis makes sentinels put the copy in the primary's place and back while nothing is down, then kills
// the primary, and then silences one sentinel. It checks that writes are acknowledged and read afterwards.
func TestSentinelsMoveRedis(t *testing.T) {
	t.Parallel()
	s, watched, _ := mustStartWatched(t, 2)
	reader, writer := s.replicas[0], s.replicas[1]
	reader.mustRead("a")
	for range 2 {
		if err := watched.Failover(); err != nil {
			t.Fatal(err)
		}
		version := writer.mustWrite("a")
		reader.wantRead("a", version)
		s.wantWhole(version)
		if err := watched.AwaitWhole(); err != nil {
			t.Fatal(err)
		}
	}
	at, err := watched.Primary()
	if err != nil {
		t.Fatal(err)
	}
	watched.Sentinels[0].Signal(syscall.SIGSTOP)
	defer watched.Sentinels[0].Signal(syscall.SIGCONT)
	watched.Servers[at].Kill()
	version := writer.mustWrite("a")
	reader.wantRead("a", version)
	s.wantWhole(version)
}

// 1. Sentinels lose the primary, which all replicas go on using. 2. They put the copy in its place. 3. A replica
// starts, and finds that. 4. The others, who have the old primary, write and read.
func TestTwoPrimariesOfRedis(t *testing.T) {
	t.Parallel()
	s, watched, with := mustStartWatched(t, 2)
	reader, writer := s.replicas[0], s.replicas[1]
	reader.mustRead("a")
	watched.Wires[0].Shun("sentinel")
	if err := watched.AwaitMove(0); err != nil {
		t.Fatal(err)
	}
	version := writer.mustWrite("a")
	reader.wantRead("a", version)
	s.mustStartReplicas(1, with)
	for range 5 {
		for _, r := range s.replicas {
			version = r.mustWrite("a")
			for _, other := range s.replicas {
				other.wantRead("a", version)
			}
		}
	}
	watched.Wires[0].Mend()
	if err := watched.AwaitWhole(); err != nil {
		t.Fatal(err)
	}
	s.wantWhole(version)
	bumped := s.replicas[2].metric("epochs_raised_total")
	s.wantWhole(version)
	if got := s.replicas[2].metric("epochs_raised_total"); got > bumped {
		t.Errorf("the epoch was bumped %v times more, though all have the same Redis", got-bumped)
	}
}
