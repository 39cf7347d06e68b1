package outbox_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/woodytoys/woodytoys/cache/ledger"
	"github.com/woodytoys/woodytoys/cache/outbox"
	"github.com/woodytoys/woodytoys/internal/servers"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// mustStartNode starts a server and makes it a node of a Galera cluster: the first, or one that joins another. It
// copies nothing: both have what a server has that was just installed.
func mustStartNode(t *testing.T, join *node) *node {
	t.Helper()
	var at [2]string
	for i := range at {
		port, err := servers.FreePort("127.0.0.1")
		if err != nil {
			t.Fatal(err)
		}
		at[i] = "127.0.0.1:" + port
	}
	n := &node{MariaDB: servertest.MustStartMariaDB(t), addr: at[0]}
	n.Stop(10 * time.Second)
	n.AddOptions("--wsrep-on=ON", "--wsrep-provider=/usr/lib/galera/libgalera_smm.so", "--wsrep-node-address="+n.addr,
		"--wsrep-provider-options=gmcast.listen_addr=tcp://"+n.addr+";ist.recv_addr="+at[1]+";gcache.size=32M",
		"--binlog-format=ROW", "--innodb-autoinc-lock-mode=2")
	if join == nil {
		n.AddOptions("--wsrep-cluster-address=gcomm://")
	} else {
		cluster, number := join.mustSay(t, "wsrep_cluster_state_uuid"), join.mustSay(t, "wsrep_last_committed")
		n.AddOptions("--wsrep-cluster-address=gcomm://"+join.addr, "--wsrep-start-position="+cluster+":"+number)
		state := "version: 2.1\nuuid: " + cluster + "\nseqno: " + number + "\nsafe_to_bootstrap: 0\n"
		if err := os.WriteFile(filepath.Join(n.Data(), "grastate.dat"), []byte(state), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := n.Restart(); err != nil {
		t.Fatal(err)
	}
	return n
}

// node is a server of a Galera cluster.
type node struct {
	*servers.MariaDB
	addr string // where the other nodes reach it
}

// mustSay returns a status variable of a node.
func (n *node) mustSay(t *testing.T, variable string) (value string) {
	t.Helper()
	db := n.mustOpen(t, "")
	defer db.Close()
	if err := db.QueryRow("SHOW STATUS LIKE '"+variable+"'").Scan(&variable, &value); err != nil {
		t.Fatal(err)
	}
	return value
}

func (n *node) mustOpen(t *testing.T, database string) *sql.DB {
	t.Helper()
	db, err := sql.Open("mysql", n.DSN(database))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// TestNodesOfGalera has the epoch be bumped by one node of a Galera cluster while another is behind. That one takes
// writes like the first, and does not know the bump: neither a reading nor a look may find the epoch from before there.
func TestNodesOfGalera(t *testing.T) {
	first := mustStartNode(t, nil)
	second := mustStartNode(t, first)
	made, err := mysql.ParseDSN(servertest.MustMakeDatabase(t, first.MariaDB))
	if err != nil {
		t.Fatal(err)
	}
	db := second.mustOpen(t, made.DBName)
	here := onMySQL.mustMake(t, outbox.Config{DB: first.mustOpen(t, made.DBName)})
	there := onMySQL.mustMake(t, outbox.Config{DB: db, Direct: true})
	if err := here.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := there.Read(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	lock, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if _, err := lock.ExecContext(t.Context(), "FLUSH TABLES WITH READ LOCK"); err != nil { // it applies nothing
		t.Fatal(err)
	}
	bumped, err := here.Bump(t.Context(), ledger.State{})
	if err != nil {
		t.Fatal(err)
	}
	for what, ask := range map[string]func(context.Context) (ledger.State, error){
		"look": there.Look,
		"reading": func(ctx context.Context) (ledger.State, error) {
			state, _, err := there.Read(ctx, 0)
			return state, err
		},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		if state, err := ask(ctx); err == nil {
			t.Errorf("a %s by a node that is behind found %s, and the epoch is %s", what, state.Name(), bumped.Name())
		}
		cancel()
	}
	if _, err := lock.ExecContext(t.Context(), "UNLOCK TABLES"); err != nil {
		t.Fatal(err)
	}
	if state, err := there.Look(t.Context()); err != nil || state != bumped {
		t.Errorf("a look by a node that has caught up found %+v, %v; want %+v", state, err, bumped)
	}
	second.Kill()
	if _, _, err := there.Read(t.Context(), 0); err == nil || errors.Is(err, ledger.ErrUnreachable) {
		t.Errorf("a node that is gone, while another takes writes: %v, want an error that is not ErrUnreachable", err)
	}
}
