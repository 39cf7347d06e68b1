package main

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/woodytoys/woodytoys/internal/programs"
)

// TestLongFailover backs up the cluster that ships. It kills the node whose log is followed, and checks that the log
// goes on at another one, by the ids of its transactions, and that everything is restored from it.
func TestLongFailover(t *testing.T) {
	users := filepath.Join(t.TempDir(), "users.sql")
	mustWriteLines(t, users, userStatements(t))
	c, err := programs.StartDatabaseCluster(programs.DatabaseClusterConfig{
		Settings: []string{"WOODY_DB_USERS_FILE=" + users, "WOODY_DB_USER=shop"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	var addrs []string
	for _, n := range c.Nodes {
		addrs = append(addrs, n.IP+":3306")
	}
	d := &database{addr: c.Proxy.WriteAddr}
	if d.db, err = sql.Open("mysql", d.dsn("migrate")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.db.Close() })
	d.mustFill(t)
	k := mustKeep(t, []string{"WOODY_BACKUP_TARGET=" + c.Proxy.WriteAddr}, addrs[1], addrs[0], addrs[2])
	k.awaitGood(t)
	mustExec(t, d.db, "INSERT INTO woody.keyless VALUES (30, 'at the node that dies')")
	k.awaitShipped(t)
	c.Nodes[1].Kill()
	mustExec(t, d.db, "INSERT INTO woody.keyless VALUES (31, 'at another')")
	k.awaitShipped(t)
	if gaps, err := k.metric("gaps_total", nothing); err != nil || gaps != 0 {
		t.Errorf("there are %v gaps (%v): the log did not go on by its ids", gaps, err)
	}
	if err := c.Nodes[1].Restart(); err != nil {
		t.Fatal(err)
	}
	if err := c.Nodes[1].AwaitSynced(); err != nil {
		t.Fatal(err)
	}
	k.must(t, "now")
	mustExec(t, d.db, "INSERT INTO woody.keyless VALUES (32, 'after')")
	k.awaitShipped(t)
	want := mustSum(t, d)
	t.Log(k.must(t, "restore"))
	got := mustSum(t, d)
	delete(want, epochTable)
	delete(got, epochTable)
	if names := differences(want, got); len(names) > 0 {
		t.Errorf("restored, but: %q", names)
	}
}
