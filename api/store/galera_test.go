package store_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/woodytoys/woodytoys/api/store"
	"github.com/woodytoys/woodytoys/internal/servers"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// TestLongCluster runs all tests that need a Galera cluster on one, each with a database of its own. Those that do harm
// to a node come last, and mend it.
func TestLongCluster(t *testing.T) {
	t.Parallel()
	c := &cluster{servertest.MustStartGalera(t, 3)}
	for _, test := range []struct {
		name string
		run  func(t *testing.T, c *cluster)
	}{
		{"migrations cross", testMigrationsCross},
		{"additions cross", testAdditionsCross},
		{"ids rise", testIDsRise},
		{"conditions cross", testConditionsCross},
		{"keys cross", testKeysCross},
		{"claims cross", testClaimsCross},
		{"sums cross", testSumsCross},
		{"upkeep crosses", testUpkeepCrosses},
		{"probes cross", testProbesCross},
		{"accounts cross", testAccountsCross},
		{"places", testPlaces},
		{"reads are causal", testReadsAreCausal},
		{"shared reads are causal", testSharedReadsAreCausal},
		{"reads at the primary wait for nobody", testReadsAtThePrimaryWaitForNobody},
		{"a reader lags", testAReaderLags},
		{"a reader is paused", testAReaderIsPaused},
		{"a reader is cut off", testAReaderIsCutOff},
		{"a commit hears nothing", testACommitHearsNothing},
		{"the writer is cut off", testTheWriterIsCutOff},
		{"reads bridge an outage", testReadsBridgeAnOutage},
		{"the writer moves", testTheWriterMoves},
		{"the readers are gone", testTheReadersAreGone},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, c) })
	}
}

// cluster is the cluster that the tests share.
type cluster struct{ *servers.Galera }

// mustMakeDatabase makes an empty database, and returns its DSN at each node.
func (c *cluster) mustMakeDatabase(t *testing.T) (dsns []string) {
	t.Helper()
	made := servertest.MustMakeDatabase(t, c.Nodes[0].MariaDB)
	cfg, err := mysql.ParseDSN(made)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range c.Nodes {
		c.mustCatchUp(t, n)
		dsns = append(dsns, n.DSN(cfg.DBName))
	}
	return dsns
}

// mustCatchUp waits until a node has what was written before.
func (c *cluster) mustCatchUp(t *testing.T, n *servers.GaleraNode) {
	t.Helper()
	db := mustOpenDB(t, n.DSN(""))
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, statement := range []string{"SET SESSION wsrep_sync_wait = 1", "SELECT COUNT(*) FROM mysql.db"} {
		if _, err := conn.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}

// mustMend waits until all nodes know each other again, and take writes. A node that was paused takes itself for one of
// them until it has heard of nobody.
func (c *cluster) mustMend(t *testing.T) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	for deadline := time.Now().Add(servers.Patience); ; {
		err := c.AwaitWhole()
		for _, n := range c.Nodes {
			_, writeErr := mustOpenDB(t, n.DSN("")).ExecContext(ctx, "CREATE DATABASE IF NOT EXISTS mended")
			err = errors.Join(err, writeErr)
		}
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// mustOpenTwo opens a store at each of two nodes, of one new database, which both are migrated.
func (c *cluster) mustOpenTwo(t *testing.T) (both [2]*store.Store, dsns []string) {
	t.Helper()
	dsns = c.mustMakeDatabase(t)
	for i := range both {
		both[i] = mustOpen(t, store.Config{DSN: dsns[i]})
	}
	return both, dsns
}

func mustOpenDB(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// mustNumber reads a number, by a connection of its own that waits for what was written before.
func mustNumber(t *testing.T, dsn, query string) (n int64) {
	t.Helper()
	db := mustOpenDB(t, dsn)
	conn, err := db.Conn(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), "SET SESSION wsrep_sync_wait = 1"); err != nil {
		t.Fatal(err)
	}
	if err := conn.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}
