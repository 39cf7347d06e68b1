package outbox_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/cache/ledger"
	"github.com/woodytoys/woodytoys/cache/outbox"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// TestTheOutboxIsLate keeps the outbox from being read, and not the epoch. It checks that the reading has the epoch,
// and an error that does not take the database for a silent one: it has replied.
func TestTheOutboxIsLate(t *testing.T) { onEach(t, testTheOutboxIsLate) }

func testTheOutboxIsLate(t *testing.T, on *kind) {
	db := on.mustConnect(t, servertest.MustMakeDatabase(t, on.shared))
	box := on.mustMake(t, outbox.Config{DB: db, Direct: true})
	if err := box.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	before, _, err := box.Read(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	table := box.Namespace() + "_outbox"
	lock, unlock := "LOCK TABLES "+table+" WRITE", "UNLOCK TABLES"
	if on.dialect == outbox.Postgres {
		lock, unlock = "BEGIN; LOCK TABLE "+table, "ROLLBACK"
	}
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), lock); err != nil {
		t.Fatal(err)
	}
	defer conn.ExecContext(context.WithoutCancel(t.Context()), unlock)
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second) // for the epoch, on a busy machine
	defer cancel()
	state, left, err := box.Read(ctx, 0)
	if state != before || len(left) > 0 || err == nil || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, ledger.ErrSilent) || errors.Is(err, ledger.ErrUnreachable) {
		t.Errorf("%+v, %v, %v; want the epoch, and an error that is no silence", state, left, err)
	}
}
