package outbox_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/cache/ledger"
	"github.com/woodytoys/woodytoys/cache/outbox"
	"github.com/woodytoys/woodytoys/internal/servers"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// mustDemote makes a server take no writes until the test ends: MariaDB's read_only, which does not bind the tests'
// user, and PostgreSQL's default for transactions, which each may overrule.
func (on *kind) mustDemote(t *testing.T, db *sql.DB) {
	t.Helper()
	on.demote(t, db)
}

func demoteMySQL(t *testing.T, db *sql.DB) {
	t.Helper()
	if _, err := db.Exec("SET GLOBAL read_only = 1"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = db.Exec("SET GLOBAL read_only = 0") }) // it may have been killed
}

func demotePostgres(t *testing.T, db *sql.DB) {
	t.Helper()
	set := func(to string) {
		conn, err := db.Conn(context.Background())
		if err != nil {
			return // it was killed
		}
		defer conn.Close()
		for _, statement := range []string{
			"ALTER SYSTEM SET default_transaction_read_only = " + to, "SELECT pg_reload_conf()",
		} {
			if _, err := conn.ExecContext(context.Background(), statement); err != nil {
				t.Error(err)
			}
		}
		for is := ""; is != to; { // this session has heard of it, and so will the others that there are
			if err := conn.QueryRowContext(context.Background(),
				"SHOW default_transaction_read_only").Scan(&is); err != nil {
				t.Error(err)
				return
			}
		}
	}
	set("on")
	t.Cleanup(func() { set("off") })
}

// TestAReadOnlyServerIsNotHeard checks that nothing comes from a server that takes no writes, nor goes to it, even as a
// user who may write there; and that it never counts as one that is away.
func TestAReadOnlyServerIsNotHeard(t *testing.T) { onEach(t, testAReadOnlyServerIsNotHeard) }

func testAReadOnlyServerIsNotHeard(t *testing.T, on *kind) {
	db, _ := on.mustOpen(t)
	box := on.mustMake(t, outbox.Config{DB: db, Direct: true})
	if _, _, err := box.Read(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	on.mustDemote(t, on.mustConnect(t, servertest.MustMakeDatabase(t, on.shared)))
	mustSeeItReadOnly(t, box)
	_, _, err := box.Read(t.Context(), 0)
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

// TestARefusalAfterADemotion checks that a server which took no writes and is gone now is no proof that nobody writes.
func TestARefusalAfterADemotion(t *testing.T) { onEach(t, testARefusalAfterADemotion) }

func testARefusalAfterADemotion(t *testing.T, on *kind) {
	server := on.start(t)
	_, box := on.mustOpenOn(t, server, outbox.Config{Direct: true})
	on.mustDemote(t, on.mustConnect(t, servertest.MustMakeDatabase(t, server)))
	mustSeeItReadOnly(t, box)
	server.Kill()
	if _, _, err := box.Read(t.Context(), 0); err == nil || errors.Is(err, ledger.ErrUnreachable) {
		t.Errorf("no connection, after a read-only server: %v, want an error that is not ErrUnreachable", err)
	}
}

// mustSeeItReadOnly waits until the outbox finds its server read-only. A session of PostgreSQL hears a moment later.
func mustSeeItReadOnly(t *testing.T, box *outbox.Outbox) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		_, _, err := box.Read(t.Context(), 0)
		if errors.Is(err, outbox.ErrReadOnly) {
			return
		}
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("a reading of a read-only server: %v, want ErrReadOnly", err)
		}
	}
}

func askedMySQL(t *testing.T, _ server, db *sql.DB) (n int) {
	t.Helper()
	var name string
	if err := db.QueryRow("SHOW GLOBAL STATUS LIKE 'Questions'").Scan(&name, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func askedPostgres(_ *testing.T, s server, _ *sql.DB) int {
	log := s.(*servers.Postgres).Log()
	return strings.Count(log, " LOG:  execute ") + strings.Count(log, " LOG:  statement: ")
}

// TestALookIsOneStatement checks that a look costs one statement where its connection has proved a moment ago that its
// server takes writes, and that a server which takes none since is not heard.
func TestALookIsOneStatement(t *testing.T) { onEach(t, testALookIsOneStatement) }

func testALookIsOneStatement(t *testing.T, on *kind) {
	server := on.start(t) // whose statements are counted
	db := on.mustConnect(t, servertest.MustMakeDatabase(t, server))
	box := on.mustMake(t, outbox.Config{DB: db, Direct: true})
	if err := box.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	read, _, err := box.Read(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	other := on.mustConnect(t, servertest.MustMakeDatabase(t, server))
	const looks = 200 // one or two begin with a proof: the first, and one after a stop of the machine
	before := on.asked(t, server, other)
	for range looks {
		if state, err := box.Look(t.Context()); err != nil || state != read {
			t.Fatalf("a look found %+v, %v; want %+v", state, err, read)
		}
	}
	if asked := on.asked(t, server, other) - before; asked > looks*11/10 {
		t.Errorf("%d looks took %d statements, want one each", looks, asked)
	}
	on.mustDemote(t, other)
	mustSeeItReadOnly(t, box)
	if _, err := box.Look(t.Context()); !errors.Is(err, outbox.ErrReadOnly) || errors.Is(err, ledger.ErrUnreachable) {
		t.Errorf("a look at a read-only server: %v, want ErrReadOnly", err)
	}
}
