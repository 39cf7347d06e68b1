package store_test

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/api/store"
	"github.com/woodytoys/woodytoys/cache/outbox"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// mustStartPair starts a primary with a replica, and a wire to the primary.
func mustStartPair(t *testing.T) (pair *servers.Pair, wire *servers.Wire) {
	t.Helper()
	pair, err := servers.StartPair()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pair.Close)
	if wire, err = servers.StartWire(pair.Primary.Addr); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(wire.Close)
	return pair, wire
}

// mustMove makes the replica the primary, and has new connections lead there.
func mustMove(t *testing.T, pair *servers.Pair, wire *servers.Wire) {
	t.Helper()
	if err := errors.Join(pair.Demote(), pair.Exchange(), pair.Follow(), pair.Promote()); err != nil {
		t.Fatal(err)
	}
	wire.Retarget(pair.Primary.Addr)
}

// TestThePrimaryMoves holds every call of the store, after the database's primary has moved under its connections, to
// the new primary: the first one too, and a user's whom read_only does not bind.
func TestThePrimaryMoves(t *testing.T) {
	t.Parallel()
	pair, wire := mustStartPair(t)
	for name, dsn := range map[string]string{"bound": pair.DSN(wire.Addr), "not bound": pair.AdminDSN(wire.Addr)} {
		t.Run(name, func(t *testing.T) {
			s := mustOpen(t, store.Config{DSN: dsn, Pool: 4, Journal: mustJournal(t, dsn)})
			product, err := s.AddProduct(t.Context(), "Robot")
			if err != nil {
				t.Fatal(err)
			}
			pending := shop.Order{ID: name, Product: "Robot", Status: shop.Pending, Version: 1}
			order, err := s.AddOrder(t.Context(), pending, "")
			if err != nil {
				t.Fatal(err)
			}
			absent := product.ID + 1
			calls := []struct {
				what string
				call func() error
			}{
				{"claim", func() error {
					claims, err := s.ClaimOrders(t.Context(), 10, time.Minute)
					if err == nil && len(claims) != 1 {
						t.Errorf("%d claims, want the one order", len(claims))
					}
					return err
				}},
				{"read", func() error { _, err := s.Product(t.Context(), product.ID); return err }},
				{"order", func() error { _, err := s.Order(t.Context(), order.ID); return err }},
				{"page", func() error { _, err := s.Products(t.Context(), 0, 5); return err }},
				{"last", func() error { _, err := s.Last(t.Context()); return err }},
				{"ping", func() error { return s.Ping(t.Context()) }},
				{"upkeep", func() error { return s.Upkeep(t.Context()) }},
				{"rename", func() error {
					_, err := s.RenameProduct(t.Context(), product.ID, "Zebra", nil)
					return err
				}},
				{"absence", func() error {
					if _, err := s.Product(t.Context(), absent); shop.KindOf(err) != shop.NotFound {
						return err
					}
					return nil
				}},
			}
			for _, row := range calls {
				fill(t, s)
				mustMove(t, pair, wire)
				if err := row.call(); err != nil {
					t.Errorf("%s, the first call after the primary has moved: %v", row.what, err)
				}
			}
			mustMove(t, pair, wire) // which fails if something was written to a replica
		})
	}
}

// TestARefusalIsOfThePrimary checks that no write is refused for what is read from a server that is the primary no
// more, and does not follow the new one either.
func TestARefusalIsOfThePrimary(t *testing.T) {
	t.Parallel()
	pair, wire := mustStartPair(t)
	for name, dsn := range map[string]string{"bound": pair.DSN(wire.Addr), "not bound": pair.AdminDSN(wire.Addr)} {
		t.Run(name, func(t *testing.T) {
			s := mustOpen(t, store.Config{DSN: dsn, Pool: 4, Journal: mustJournal(t, dsn)})
			rename := func(id int64, allow shop.Condition) error {
				_, err := s.RenameProduct(t.Context(), id, "Train", allow)
				return err
			}
			for what, write := range map[string]func(added, renamed shop.Product) error{
				"rename": func(added, _ shop.Product) error { return rename(added.ID, nil) },
				"delete": func(added, _ shop.Product) error {
					return s.DeleteProduct(t.Context(), added.ID, nil)
				},
				"rename a version": func(_, renamed shop.Product) error {
					return rename(1, onlyVersion(renamed.Version))
				},
			} {
				fill(t, s)
				if err := errors.Join(pair.Demote(), pair.Exchange(), pair.Promote()); err != nil {
					t.Fatal(err)
				}
				wire.Retarget(pair.Primary.Addr)
				other := mustOpen(t, store.Config{DSN: dsn})
				added := mustAdd(t, other, "Robot")
				renamed, err := other.RenameProduct(t.Context(), 1, "Robot", nil)
				if err != nil {
					t.Fatal(err)
				}
				if err := write(added, renamed); err != nil {
					t.Errorf("%s, the first call after the primary has moved: %v", what, err)
				}
				if err := pair.Follow(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// TestConnectionsThatAreLostSilently makes all connections hang at once, as where a server's machine is gone and its
// address is another's. It checks that one call finds out for all of them.
func TestConnectionsThatAreLostSilently(t *testing.T) {
	t.Parallel()
	wire, through, err := mariadb.StartWire(mustDatabase(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(wire.Close)
	s := mustOpen(t, store.Config{DSN: through, Pool: 4, Timeout: 10 * time.Second, SlowQuery: 50 * time.Millisecond})
	var group sync.WaitGroup
	for range 4 { // that hold their connections for as long
		group.Go(func() { mustLast(t, s) })
	}
	group.Wait()
	if open := s.DBs()["callers"].Stats().OpenConnections; open < 2 {
		t.Fatalf("%d connections are there, want several", open)
	}
	wire.HangOpen()
	if _, err := s.Product(t.Context(), 1); shop.KindOf(err) != shop.Unavailable {
		t.Errorf("a connection that hangs: %v, want Unavailable", err)
	}
	if _, err := s.Product(t.Context(), 1); err != nil {
		t.Errorf("the next call: %v", err)
	}
}

// TestOnlyARowProves checks that a read that fails on a server that takes no writes is no proof that it takes them.
func TestOnlyARowProves(t *testing.T) {
	t.Parallel()
	pair, wire := mustStartPair(t)
	s := mustOpen(t, store.Config{DSN: pair.DSN(wire.Addr)})
	if err := pair.Demote(); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]shop.Kind{
		"SELECT 1": shop.Unavailable, "SELECT nothing": shop.Internal,
	} {
		if proved, err := s.Reads(t.Context(), query); proved || shop.KindOf(err) != want {
			t.Errorf("%s, on a server that takes no writes: proved %v, %v; want %v", query, proved, err, want)
		}
	}
}

// journal is an outbox in the database, whose records nobody carries out.
type journal struct{ box *outbox.Outbox }

func mustJournal(t *testing.T, dsn string) journal {
	t.Helper()
	db, err := store.OpenPool(dsn, 2, slog.Default())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	box, err := outbox.New(outbox.Config{DB: db, Namespace: "woody"})
	if err == nil {
		err = box.Migrate(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return journal{box}
}

func (j journal) Record(ctx context.Context, tx *sql.Tx, tags []string) (int64, error) {
	return j.box.Record(ctx, tx, tags...)
}

func (j journal) Settle(_ context.Context, record int64, _ []string) error {
	return j.box.Remove(context.Background(), []int64{record}, "")
}

// fill uses all of a store's connections at a time.
func fill(t *testing.T, s *store.Store) {
	t.Helper()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if _, err := s.Products(t.Context(), 0, 50); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

// TestAReadOnlyServerAnswersWhoAcceptsIt checks reads where the only server is read-only: those that accept it get what
// is there, and others an error.
func TestAReadOnlyServerAnswersWhoAcceptsIt(t *testing.T) {
	t.Parallel()
	pair, wire := mustStartPair(t)
	s := mustOpen(t, store.Config{DSN: pair.DSN(wire.Addr)})
	if err := pair.Demote(); err != nil {
		t.Fatal(err)
	}
	used := 0
	accepting := shop.AcceptReadOnly(t.Context(), func() { used++ })
	reads := map[string]func(ctx context.Context) error{
		"product": func(ctx context.Context) error { _, err := s.Product(ctx, 1); return err },
		"absence": func(ctx context.Context) error { _, err := s.Product(ctx, 999); return err },
		"page":    func(ctx context.Context) error { _, err := s.Products(ctx, 0, 5); return err },
		"nothing": func(ctx context.Context) error { _, err := s.Products(ctx, 1, 5); return err },
		"last":    func(ctx context.Context) error { _, err := s.Last(ctx); return err },
	}
	for what, read := range reads {
		used = 0
		if err := read(accepting); err != nil && shop.KindOf(err) != shop.NotFound || used != 1 {
			t.Errorf("%s: %v, told %d times; want an answer, and to be told once", what, err, used)
		}
		if err := read(t.Context()); shop.KindOf(err) != shop.Unavailable {
			t.Errorf("%s, of a caller who does not accept it: %v, want Unavailable", what, err)
		}
	}
	if _, err := s.ProductNamed(t.Context(), "Yoyo"); shop.KindOf(err) != shop.Unavailable {
		t.Errorf("a read for a write: %v, want Unavailable", err)
	}
	if err := s.Ping(t.Context()); shop.KindOf(err) != shop.Unavailable {
		t.Errorf("ping: %v, want Unavailable", err)
	}
	if err := pair.Promote(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Product(t.Context(), 1); err != nil {
		t.Errorf("a read once the server takes writes again: %v", err)
	}
}
