package servers_test

import (
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/servers"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// TestLongAGaleraNodeIsCutOff checks that the others go on without it, and that it has afterwards what was written
// meanwhile.
func TestLongAGaleraNodeIsCutOff(t *testing.T) {
	t.Parallel()
	g := servertest.MustStartGalera(t, 3)
	write := mustOpenNode(t, g.Nodes[1])
	mustExec(t, write, "CREATE DATABASE shop")
	mustExec(t, write, "CREATE TABLE shop.toy (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY) ENGINE = InnoDB")
	if err := g.Nodes[0].Isolate(true); err != nil {
		t.Fatal(err)
	}
	// it waits until the others are on their own
	mustExec(t, write, "INSERT INTO shop.toy VALUES (NULL), (NULL), (NULL)")
	read := mustOpenNode(t, g.Nodes[0])
	for deadline := time.Now().Add(servers.Patience); ; time.Sleep(10 * time.Millisecond) {
		if _, err := read.Exec("SELECT COUNT(*) FROM shop.toy"); err != nil {
			break
		}
		if time.Now().After(deadline) { // it notices by itself, perhaps later than the others
			t.Fatal("a node that is cut off still responds")
		}
	}
	if err := errors.Join(g.Nodes[0].Isolate(false), g.AwaitWhole()); err != nil {
		t.Fatal(err)
	}
	mustExec(t, read, "SET SESSION wsrep_sync_wait = 1")
	var highest, count int
	if err := read.QueryRow("SELECT MAX(id), COUNT(*) FROM shop.toy").Scan(&highest, &count); err != nil {
		t.Fatal(err)
	}
	if highest != 3 || count != 3 {
		t.Errorf("it has %d rows up to %d, want 3 up to 3", count, highest)
	}
}

// mustOpenNode returns a pool of one connection.
func mustOpenNode(t *testing.T, n *servers.GaleraNode) *sql.DB {
	t.Helper()
	db, err := sql.Open("mysql", n.DSN(""))
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return db
}

func mustExec(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.Exec(statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}
