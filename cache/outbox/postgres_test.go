package outbox_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/woodytoys/woodytoys/cache/ledger"
	"github.com/woodytoys/woodytoys/cache/outbox"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// TestACopyOfPostgresTakesOver points the address of the database at a copy of it. It checks that before the copy is
// promoted nothing is read from it or written to it, and that it does not count as unreachable, and that after that it
// is used, by the same connections.
func TestACopyOfPostgresTakesOver(t *testing.T) {
	primary := servertest.MustStartPostgres(t)
	dsn := servertest.MustMakeDatabase(t, primary)
	wire, through, err := primary.StartWire(dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(wire.Close)
	db := onPostgres.mustConnect(t, through)
	box := onPostgres.mustMake(t, outbox.Config{DB: db, Direct: true})
	if err := box.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	before, _, err := box.Read(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	left := inTx(t, db, true, box.Record, "toy:7")
	standby := servertest.MustStartPostgresCopy(t, primary)
	primary.Stop(10 * time.Second)
	wire.Retarget(standby.Addr)

	_, looked := box.Look(t.Context())
	_, _, read := box.Read(t.Context(), 0)
	_, bumped := box.Bump(t.Context(), ledger.State{})
	_, handedOver := box.HandOver(t.Context(), []string{"toy:7"})
	uncached := outbox.Uncached{Outbox: box, Lease: time.Second}
	for what, err := range map[string]error{
		"look": looked, "read": read, "bump": bumped, "hand over": handedOver, "migrate": box.Migrate(t.Context()),
		"remove":          box.Remove(t.Context(), []int64{left}, ""),
		"record":          inReadOnlyTx(t, db, box.Record),
		"uncached record": inReadOnlyTx(t, db, uncached.Record),
	} {
		if !errors.Is(err, outbox.ErrReadOnly) || errors.Is(err, ledger.ErrUnreachable) {
			t.Errorf("%s at a copy: %v, want ErrReadOnly, and not ErrUnreachable", what, err)
		}
	}

	if err := standby.Promote(); err != nil {
		t.Fatal(err)
	}
	state, records, err := box.Read(t.Context(), 0)
	if err != nil || state != before || len(records) != 1 || records[0].ID != left {
		t.Errorf("the new primary says %+v, %v, %v; want %+v and record %d", state, records, err, before, left)
	}
	if state, err := box.Bump(t.Context(), ledger.State{}); err != nil || state.Epoch != before.Epoch+1 {
		t.Errorf("bumped to %+v, %v", state, err)
	}
	inTx(t, db, true, box.Record, "toy:8")
}

// inReadOnlyTx returns the error of a record in a transaction.
func inReadOnlyTx[Tx any](t *testing.T, db *sql.DB, record func(context.Context, Tx, ...string) (int64, error)) error {
	t.Helper()
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	_, err = record(t.Context(), any(tx).(Tx), "toy:7")
	return err
}

// TestRecordInATransactionOfPgx records in a transaction that is not database/sql's.
func TestRecordInATransactionOfPgx(t *testing.T) {
	dsn := servertest.MustMakeDatabase(t, onPostgres.shared)
	box := onPostgres.mustMake(t, outbox.Config{DB: onPostgres.mustConnect(t, dsn)})
	if err := box.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	record := func(options pgx.TxOptions, commit bool) (id int64, err error) {
		tx, err := conn.BeginTx(t.Context(), options)
		if err != nil {
			return 0, err
		}
		defer tx.Rollback(context.Background())
		exec := outbox.ExecFunc(func(ctx context.Context, query string, args ...any) (int64, error) {
			tag, err := tx.Exec(ctx, query, args...)
			return tag.RowsAffected(), err
		})
		if id, err = box.Record(t.Context(), exec, "toy:7"); err == nil && commit {
			err = tx.Commit(t.Context())
		}
		return id, err
	}
	if _, err := record(pgx.TxOptions{}, false); err != nil {
		t.Error(err)
	}
	id, err := record(pgx.TxOptions{}, true)
	if err != nil {
		t.Error(err)
	}
	if _, err := record(pgx.TxOptions{AccessMode: pgx.ReadOnly}, true); !errors.Is(err, outbox.ErrReadOnly) {
		t.Errorf("a transaction that takes no writes: %v, want ErrReadOnly", err)
	}
	_, left, err := box.Read(t.Context(), 0)
	if err != nil || len(left) != 1 || left[0].ID != id {
		t.Errorf("records %v, %v; want record %d", left, err, id)
	}
}

// TestTheSchemaOnThePath checks that tables in a schema that is not the first of the search path are found there, and
// that no others are made.
func TestTheSchemaOnThePath(t *testing.T) {
	db, box := onPostgres.mustOpen(t)
	state, err := box.Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("CREATE SCHEMA postgres"); err != nil { // the user's own, which comes before public
		t.Fatal(err)
	}
	if err := box.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if again, err := box.Look(t.Context()); err != nil || again != state {
		t.Errorf("the ledger is %+v, %v; want %+v", again, err, state)
	}
}

// TestEachModeOfPgx runs what a ledger does with each way in which pgx can send statements: those that prepare none are
// for pools such as PgBouncer.
func TestEachModeOfPgx(t *testing.T) {
	for _, mode := range []string{"cache_describe", "describe_exec", "exec", "simple_protocol"} {
		on := *onPostgres
		on.params = "&default_query_exec_mode=" + mode
		for name, test := range map[string]func(*testing.T, *kind){
			"records": testRecords, "epoch": testEpoch, "hand over": testHandOver, "bumps": testABumpThatIsLost,
			"uncached": testTheFirstCacheWaitsForUncachedWriters,
		} {
			t.Run(mode+" "+name, func(t *testing.T) { test(t, &on) })
		}
	}
}

// TestAConnectionThatWasEnded checks that the ledger is read though its connection was ended a moment ago, which pgx
// finds out only by using it; and that a server which is gone is found to be, by the first who asks.
func TestAConnectionThatWasEnded(t *testing.T) {
	server := servertest.MustStartPostgres(t)
	db, box := onPostgres.mustOpenOn(t, server, outbox.Config{Direct: true})
	if _, err := box.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := db.Stats().Idle; n != 1 {
		t.Fatalf("%d idle connections, want the ledger's", n)
	}
	const end = "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE application_name <> 'psql' " +
		"AND backend_type = 'client backend'"
	if err := server.Exec("postgres", end); err != nil {
		t.Fatal(err)
	}
	if _, err := box.Look(t.Context()); err != nil {
		t.Errorf("after its connection was ended: %v", err)
	}
	server.Kill()
	if _, err := box.Look(t.Context()); !errors.Is(err, ledger.ErrUnreachable) {
		t.Errorf("after its server was: %v, want ErrUnreachable", err)
	}
}
