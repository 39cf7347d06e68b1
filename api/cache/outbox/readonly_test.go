package outbox_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/api/cache"
	"github.com/woodytoys/woodytoys/api/cache/outbox"
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
	box := outbox.New(outbox.Config{DB: db, Away: func(error) bool { return true }})
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
	_, bumped := box.Bump(t.Context(), cache.State{})
	for what, err := range map[string]error{
		"read": err, "bump": bumped, "remove": box.Remove(t.Context(), []int64{1}), "migrate": box.Migrate(t.Context()),
	} {
		if !errors.Is(err, outbox.ErrReadOnly) || !errors.Is(err, driver.ErrBadConn) || errors.Is(err, cache.ErrUnreachable) {
			t.Errorf("%s on a read-only server: %v, want ErrReadOnly, and not ErrUnreachable", what, err)
		}
	}
	bare := outbox.Bare{Outbox: box, Lease: time.Second}
	type recorder func(context.Context, *sql.Tx, ...string) (int64, error)
	for what, record := range map[string]recorder{"record": box.Record, "bare record": bare.Record} {
		tx, err := db.Begin()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := record(t.Context(), tx, "toy:7"); !errors.Is(err, outbox.ErrReadOnly) {
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
	db, _ := mustOpen(t)
	box := outbox.New(outbox.Config{DB: db, Away: func(error) bool { return true }})
	other, err := sql.Open("mysql", mariadb.DSN(""))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Close() })
	mustDemote(t, other)
	if _, _, err := box.Read(t.Context(), 0); !errors.Is(err, outbox.ErrReadOnly) {
		t.Fatal(err)
	}
	db.Close()
	if _, _, err := box.Read(t.Context(), 0); err == nil || errors.Is(err, cache.ErrUnreachable) {
		t.Errorf("no connection, after a read-only server: %v, want an error that is not ErrUnreachable", err)
	}
}
