package clustertest

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/servers"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// TestLongNodesOfGalera runs two replicas on a node each of a Galera cluster, as proxies that lead to different nodes
// would. It checks that each reads what the other has acknowledged, while both write at once and while one has no
// Redis; and that when the nodes lose the majority, cached values are served after five leases, and nothing is written
// until they have it again.
func TestLongNodesOfGalera(t *testing.T) {
	t.Parallel()
	g := servertest.MustStartGalera(t, 2)
	dsn := servertest.MustMakeDatabase(t, g.Nodes[0].MariaDB)
	database := dsn[strings.LastIndex(dsn, "/")+1:]
	const causal = "?wsrep_sync_wait=1" // for the rows; the ledger sees to it itself
	s := mustStartAt(t, dsn+causal)
	for _, node := range g.Nodes {
		s.mustStartReplicas(1, settings{DSN: node.DSN(database) + causal, Cluster: true, Lease: 3 * lease,
			Timeout: 10 * time.Second, AckTimeout: 10 * time.Second})
	}
	writeByBoth(t, s)
	if t.Failed() {
		return
	}
	cutOff, other := s.replicas[0], s.replicas[1]
	cutOff.wire.Cut()
	await(t, "the writer has no session", servers.Patience, func() bool { return cutOff.metric("breaker_open") == 1 })
	for range 3 {
		other.wantRead("a", cutOff.mustWrite("a"))
		cutOff.wantRead("a", other.mustWrite("a"))
	}
	cutOff.wire.Mend()
	cutOff.awaitLive()
	loseMajority(t, s, g.Nodes[0].Isolate)
	if err := g.AwaitWhole(); err != nil {
		t.Fatal(err)
	}
	other.wantRead("a", cutOff.awaitWrite("a"))
	cutOff.wantRead("a", other.awaitWrite("a"))
}

// awaitWrite raises a row's version, at the second or third try where the program is to try again.
func (r *process) awaitWrite(key string) (version int) {
	r.t.Helper()
	await(r.t, "a write goes through", servers.Patience, func() bool {
		var err error
		version, err = r.write(key, "")
		return err == nil
	})
	return version
}

// writeByBoth writes the same row by each replica at once, and checks that each reads what was acknowledged.
func writeByBoth(t *testing.T, s *system) {
	var group sync.WaitGroup
	for _, writer := range s.replicas {
		group.Go(func() {
			for range 10 {
				version, err := 0, errors.New("not yet")
				for range 50 { // one of two is certified
					if version, err = writer.write("a", ""); err == nil {
						break
					}
				}
				if err != nil {
					t.Error(err)
					return
				}
				for _, reader := range s.replicas {
					if a, err := reader.read("a", ""); err != nil || a.version < version {
						t.Errorf("a read after the write of version %d got %+v, %v", version, a, err)
					}
				}
			}
		})
	}
	group.Wait()
	if got := s.mustCount("SELECT version FROM row_of WHERE k = 'a'"); got < 21 {
		t.Errorf("version %d after 20 writes, want 21 at least: some are lost", got)
	}
}

// loseMajority cuts the two nodes off from each other for long enough, so that neither has the majority.
func loseMajority(t *testing.T, s *system, isolate func(cut bool) error) {
	t.Helper()
	for _, r := range s.replicas {
		for _, key := range []string{"b", "c"} {
			r.mustRead(key)
		}
	}
	if err := isolate(true); err != nil {
		t.Fatal(err)
	}
	for _, r := range s.replicas {
		await(t, "the lease is over", 30*lease, func() bool { return r.metric("lease_seconds") <= 0 })
	}
	for _, r := range s.replicas {
		await(t, "the database counts as away", 30*lease, func() bool { return r.metric("lease_seconds") > 0 })
	}
	for _, r := range s.replicas {
		if a, err := r.read("b", ""); err != nil || a.version != 1 || a.reason != 0 {
			t.Errorf("a read without the majority: %+v, %v; want a hit of version 1", a, err)
		}
		if _, err := r.write("b", ""); err == nil {
			t.Error("a write was acknowledged without the majority")
		}
	}
	if err := isolate(false); err != nil {
		t.Fatal(err)
	}
}
