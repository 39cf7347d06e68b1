package outbox_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/woodytoys/woodytoys/cache/ledger"
	"github.com/woodytoys/woodytoys/cache/outbox"
	"github.com/woodytoys/woodytoys/internal/servers"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// mustOpenNode returns a pool of connections to a database of a node of a Galera cluster.
func mustOpenNode(t *testing.T, n *servers.GaleraNode, database string) *sql.DB {
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
	cluster := servertest.MustStartGalera(t, 2)
	first, second := cluster.Nodes[0], cluster.Nodes[1]
	made, err := mysql.ParseDSN(servertest.MustMakeDatabase(t, first.MariaDB))
	if err != nil {
		t.Fatal(err)
	}
	db := mustOpenNode(t, second, made.DBName)
	here := onMySQL.mustMake(t, outbox.Config{DB: mustOpenNode(t, first, made.DBName)})
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
