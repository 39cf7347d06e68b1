package store_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/api/store"
	"github.com/woodytoys/woodytoys/internal/servers"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// mariadb is one real server for all tests of the package; each test has a database of its own.
var mariadb *servers.MariaDB

func TestMain(m *testing.M) { servertest.MainWithMariaDB(m, &mariadb) }

func mustDatabase(t testing.TB) (dsn string) {
	t.Helper()
	return servertest.MustMakeDatabase(t, mariadb)
}

// mustStartMariaDB starts a server for a test that does it harm, with an empty database.
func mustStartMariaDB(t testing.TB, options ...string) (server *servers.MariaDB, dsn string) {
	t.Helper()
	server = servertest.MustStartMariaDB(t, options...)
	return server, servertest.MustMakeDatabase(t, server)
}

// mustOpen opens a migrated store, closed at the test's end.
func mustOpen(t testing.TB, cfg store.Config) *store.Store {
	t.Helper()
	s, err := store.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// mustOpenHeld opens a store of a test that holds transactions back, on a machine that may be busy for longer than a
// server waits for a replica that is frozen.
func mustOpenHeld(t testing.TB, cfg store.Config) *store.Store {
	t.Helper()
	cfg.Timeout, cfg.Wait = time.Minute, time.Minute
	s := mustOpen(t, cfg)
	s.HoldTransactions()
	return s
}

// onBoth runs a test on a new SQLite file and on a new MariaDB database.
func onBoth(t *testing.T, test func(t *testing.T, cfg store.Config)) {
	t.Run("sqlite", func(t *testing.T) { test(t, store.Config{DataDir: t.TempDir()}) })
	t.Run("mariadb", func(t *testing.T) { test(t, store.Config{DSN: mustDatabase(t)}) })
}

// digits is SQL for a table of the ten digits, d: three of them make a thousand rows.
const digits = "(SELECT 0 d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 " +
	"UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9)"

// mustExec runs SQL past the store, as the lab's scripts would.
func mustExec(t testing.TB, cfg store.Config, statements ...string) {
	t.Helper()
	driver, dsn := "mysql", cfg.DSN
	if dsn == "" {
		driver, dsn = "sqlite", cfg.DataDir+"/woody.db"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range statements {
		if _, err := db.ExecContext(context.Background(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}
