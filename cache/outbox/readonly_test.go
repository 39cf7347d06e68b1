package outbox_test

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/cache/ledger"
	"github.com/woodytoys/woodytoys/cache/outbox"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// mustDemote makes the server read-only until the test ends. The tests' user, root, may write to it all the same.
func mustDemote(t *testing.T, db *sql.DB) {
	t.Helper()
	if _, err := db.Exec("SET GLOBAL read_only = 1"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := db.Exec("SET GLOBAL read_only = 0"); err != nil {
			t.Error(err)
		}
	})
}

// TestAReadOnlyServerIsNotHeard holds that nothing comes from a server that takes no writes, nor goes to it, even as a
// user who may write there; and that it never counts as one that is away.
func TestAReadOnlyServerIsNotHeard(t *testing.T) {
	db, _ := mustOpen(t)
	box := mustMake(t, outbox.Config{DB: db, Direct: true})
	if _, _, err := box.Read(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	other, err := sql.Open("mysql", mariadb.DSN(""))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Close() })
	mustDemote(t, other)
	_, _, err = box.Read(t.Context(), 0)
	_, bumped := box.Bump(t.Context(), ledger.State{})
	for what, err := range map[string]error{
		"read": err, "bump": bumped,
		"remove": box.Remove(t.Context(), []int64{1}, ""), "migrate": box.Migrate(t.Context()),
	} {
		if !errors.Is(err, outbox.ErrReadOnly) || !errors.Is(err, driver.ErrBadConn) ||
			errors.Is(err, ledger.ErrUnreachable) {
			t.Errorf("%s on a read-only server: %v, want ErrReadOnly, and not ErrUnreachable", what, err)
		}
	}
	uncached := outbox.Uncached{Outbox: box, Lease: time.Second}
	for what, record := range map[string]func(tx *sql.Tx) (int64, error){
		"record":          func(tx *sql.Tx) (int64, error) { return box.Record(t.Context(), tx, "toy:7") },
		"uncached record": func(tx *sql.Tx) (int64, error) { return uncached.Record(t.Context(), tx, "toy:7") },
	} {
		tx, err := db.Begin()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := record(tx); !errors.Is(err, outbox.ErrReadOnly) {
			t.Errorf("%s on a read-only server: %v, want ErrReadOnly", what, err)
		}
		tx.Rollback()
	}
	if n := db.Stats().Idle; n > 1 {
		t.Errorf("%d connections are left, want those dropped that the outbox used", n)
	}
}

// TestARefusalAfterADemotion holds that a server which took no writes and is gone now is no proof that nobody writes.
func TestARefusalAfterADemotion(t *testing.T) {
	server := servertest.MustStartMariaDB(t)
	db, box := mustOpenOn(t, server, outbox.Config{Direct: true})
	if _, err := db.Exec("SET GLOBAL read_only = 1"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := box.Read(t.Context(), 0); !errors.Is(err, outbox.ErrReadOnly) {
		t.Fatal(err)
	}
	server.Kill()
	if _, _, err := box.Read(t.Context(), 0); err == nil || errors.Is(err, ledger.ErrUnreachable) {
		t.Errorf("no connection, after a read-only server: %v, want an error that is not ErrUnreachable", err)
	}
}

// mustCountQuestions returns how many statements a server has been asked for.
func mustCountQuestions(t *testing.T, db *sql.DB) (n int) {
	t.Helper()
	var name string
	if err := db.QueryRow("SHOW GLOBAL STATUS LIKE 'Questions'").Scan(&name, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestALookIsOneStatement holds that a look costs one statement where its connection has proved a moment ago that its
// server takes writes, and that a server which takes none since is not heard.
func TestALookIsOneStatement(t *testing.T) {
	server := servertest.MustStartMariaDB(t) // whose statements are counted
	db, err := sql.Open("mysql", servertest.MustMakeDatabase(t, server))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	box := mustMake(t, outbox.Config{DB: db, Direct: true})
	if err := box.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	read, _, err := box.Read(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	other, err := sql.Open("mysql", server.DSN(""))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Close() })
	const looks = 200 // one or two begin with a proof: the first, and one after a stop of the machine
	before := mustCountQuestions(t, other)
	for range looks {
		if state, err := box.Look(t.Context()); err != nil || state != read {
			t.Fatalf("a look found %+v, %v; want %+v", state, err, read)
		}
	}
	if asked := mustCountQuestions(t, other) - before; asked > looks*11/10 {
		t.Errorf("%d looks took %d statements, want one each", looks, asked)
	}
	mustDemote(t, other)
	if _, err := box.Look(t.Context()); !errors.Is(err, outbox.ErrReadOnly) || errors.Is(err, ledger.ErrUnreachable) {
		t.Errorf("a look at a read-only server: %v, want ErrReadOnly", err)
	}
}
