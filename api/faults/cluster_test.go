package faults

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/woodytoys/woodytoys/internal/oracle"
	"github.com/woodytoys/woodytoys/internal/programs"
	"github.com/woodytoys/woodytoys/internal/servers"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// databaseCluster is the three nodes of a database, behind a proxy.
type databaseCluster struct {
	*programs.DatabaseCluster
	writes, reads *mysql.Config // the ways through the proxy
	disks         bool          // each node has a disk of its own
}

// by returns a way to a database that leads by a wire.
func by(way *mysql.Config, wire *servers.Wire) (dsn string) {
	way = way.Clone()
	way.Addr = wire.Addr
	return way.FormatDSN()
}

// mustStartCluster starts replicas that share one Redis, and a database that is three nodes.
func mustStartCluster(t *testing.T, count int, rules string) *system {
	t.Helper()
	s := mustUseCluster(t, mustStartNodes(t), rules)
	s.mustStartReplicas(count)
	return s
}

// mustUseCluster builds the programs, and starts a Redis beside nodes that are there.
func mustUseCluster(t *testing.T, cluster *databaseCluster, rules string) *system {
	t.Helper()
	s, built := newSystem(t, rules)
	way, err := causally(cluster.writes)
	if err = errors.Join(err, <-built); err != nil {
		t.Fatal(err)
	}
	s.cluster, s.db = cluster, sql.OpenDB(way)
	t.Cleanup(func() { s.db.Close() })
	s.redis = servertest.MustStartRedis(t)
	return s
}

// causally returns a way to the database by which what was acknowledged before is read, by whatever node.
func causally(way *mysql.Config) (driver.Connector, error) {
	way = way.Clone()
	way.Params = map[string]string{"wsrep_sync_wait": "1"}
	way.Timeout, way.ReadTimeout = 2*time.Second, 5*time.Second
	way.Logger = &mysql.NopLogger{}
	return mysql.NewConnector(way)
}

// diskSize is the size of a node's disk: four times what a new node needs.
const diskSize = 600 << 20

// mustStartNodes starts three nodes and their proxy. Where this process may mount disks, each node has one of its own.
func mustStartNodes(t *testing.T) *databaseCluster {
	t.Helper()
	cluster, err := programs.StartDatabaseCluster(programs.DatabaseClusterConfig{DiskSize: diskSize})
	disks := err == nil
	if errors.Is(err, os.ErrPermission) {
		cluster, err = programs.StartDatabaseCluster(programs.DatabaseClusterConfig{})
	}
	if err != nil {
		t.Fatal(err)
	}
	c := &databaseCluster{DatabaseCluster: cluster, disks: disks}
	t.Cleanup(func() {
		for _, n := range c.Nodes {
			if t.Failed() {
				t.Logf("%s:\n%s", n.Name, n.Log())
			}
		}
		c.Close()
	})
	for way, dsn := range map[**mysql.Config]string{&c.writes: c.WriteDSN, &c.reads: c.ReadDSN} {
		if *way, err = mysql.ParseDSN(dsn); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// empty leaves the cluster nothing of what was in it.
func (c *databaseCluster) empty() error {
	for _, statement := range []string{"DROP DATABASE woody", "CREATE DATABASE woody"} {
		if _, err := c.Nodes[0].Exec(statement); err != nil {
			return err
		}
	}
	return nil
}

// awaitWell waits until all nodes are parts of one cluster, and the proxy leads to them.
func (c *databaseCluster) awaitWell() error {
	for _, n := range c.Nodes {
		err := n.Await("one of three that are synced", func(s programs.DatabaseState) bool {
			return s.Primary && s.Synced && s.Size == len(c.Nodes)
		})
		if err != nil {
			return err
		}
	}
	return c.AwaitWell()
}

// writer returns the node that takes writes.
func (c *databaseCluster) writer() (*programs.DatabaseNode, error) {
	if n := c.Writer(); n != nil {
		return n, nil
	}
	return nil, errors.New("no node takes writes, though all are synced")
}

// addr returns where a node is reached past the proxy.
func addr(n *programs.DatabaseNode) string { return n.IP + ":3306" }

// lead points all connections of a wire at another place: those that were there end.
func lead(w *servers.Wire, to string) {
	w.Cut()
	w.Retarget(to)
	w.Mend()
}

// leadThroughProxy ends lead for all replicas.
func (s *system) leadThroughProxy() {
	for _, r := range s.replicas {
		lead(r.database, s.cluster.writes.Addr)
		lead(r.reads, s.cluster.reads.Addr)
	}
}

// TestFaultsWithCluster runs TestFaults on a database that is a cluster. Each fault once takes minutes: without flags
// only some are made.
func TestFaultsWithCluster(t *testing.T) {
	kinds := clusterKinds
	if *duration == 0 && *operations == 0 && *only == "" {
		kinds = fewClusterKinds
	}
	breakAll(t, mustStartCluster, kinds)
}

// TestFaultsWithClusterFindEachRule runs TestFaultsFindEachRule for the rules that a cluster needs.
func TestFaultsWithClusterFindEachRule(t *testing.T) {
	const enough = 40
	cluster := mustStartNodes(t)
	start := func(t *testing.T, count int, rules string) *system {
		t.Helper()
		if err := cluster.empty(); err != nil {
			t.Fatal(err)
		}
		s := mustUseCluster(t, cluster, rules)
		s.lease = 3 * time.Second // or it is a matter of milliseconds
		s.mustStartReplicas(count)
		return s
	}
	for _, test := range []struct{ name, rule, fault string }{
		{"Reads", "causal", "reads at a node that is behind"},
		{"Ledger", "causal", "has its ledger at a node that is behind"},
		{"Look", "look", "by way of another node"},
	} {
		t.Run(test.name, func(t *testing.T) {
			began := time.Now()
			_, clients := run(t, start, test.rule, named(clusterKinds, test.fault), 0,
				func(round int, _ *oracle.Tally) bool { return round == enough })
			if !clients.findings.Any() {
				t.Errorf("nothing was found in %v, with %d reads, though %q is switched off",
					time.Since(began), clients.tally.Reads.Load(), test.rule)
				return
			}
			t.Logf("found after %v: %s", time.Since(began).Round(time.Millisecond), clients.findings.Sum().Examples[0])
		})
	}
}
