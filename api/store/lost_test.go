package store_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/api/store"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// mustWire opens a store whose connections to MariaDB can fail, one whose cannot, and their database.
func mustWire(t *testing.T) (wire *servers.Wire, far, near *store.Store, db *sql.DB) {
	t.Helper()
	dsn := mustDatabase(t)
	wire, through, err := mariadb.StartWire(dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(wire.Close)
	if db, err = sql.Open("mysql", dsn); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return wire, mustOpen(t, store.Config{DSN: through}), mustOpen(t, store.Config{DSN: dsn}), db
}

// write is a write of a store, and a check whether it was carried out.
type write struct {
	name string
	do   func(ctx context.Context, s *store.Store) error
	done func() bool
}

// writesOf returns all writes that the shop makes, on rows of their own.
func writesOf(t *testing.T, near *store.Store, db *sql.DB) []write {
	t.Helper()
	count := func() int64 { return mustLast(t, near).Count }
	renamed, deleted := mustAdd(t, near, "Robot"), mustAdd(t, near, "Robot")
	finished, released := mustOrder(t, near, "Yoyo"), mustOrder(t, near, "Yoyo")
	finish, release := mustClaim(t, near, 1, time.Hour), mustClaim(t, near, 1, time.Hour)
	if finish.OrderID != finished.ID || release.OrderID != released.ID {
		t.Fatalf("claimed %v and %v", finish, release)
	}
	wished, order := mustOrder(t, near, "Yoyo"), newOrder("Yoyo")
	before := count()
	there := func(id string, status shop.Status) bool {
		o, err := near.Order(context.Background(), id)
		return err == nil && o.Status == status
	}
	held := func(id string) (so bool) {
		const query = "SELECT EXISTS (SELECT 1 FROM `order` WHERE order_id = ? AND claim <> '')"
		if err := db.QueryRow(query, id).Scan(&so); err != nil {
			t.Error(err)
		}
		return so
	}
	return []write{
		{"add a product", func(ctx context.Context, s *store.Store) error {
			_, err := s.AddProduct(ctx, "Train")
			return err
		}, func() bool { return count() == before+1 }},
		{"rename a product", func(ctx context.Context, s *store.Store) error {
			_, err := s.RenameProduct(ctx, renamed.ID, "Robot rouge", onlyVersion(1))
			return err
		}, func() bool {
			p, err := near.Product(context.Background(), renamed.ID)
			return err == nil && p.Version == 2
		}},
		{"delete a product", func(ctx context.Context, s *store.Store) error {
			return s.DeleteProduct(ctx, deleted.ID, onlyVersion(1))
		}, func() bool {
			_, err := near.Product(context.Background(), deleted.ID)
			return shop.KindOf(err) == shop.NotFound
		}},
		{"add an order", func(ctx context.Context, s *store.Store) error {
			_, err := s.AddOrder(ctx, order, "")
			return err
		}, func() bool { return there(order.ID, shop.Pending) }},
		{"finish an order", func(ctx context.Context, s *store.Store) error {
			_, err := s.FinishOrder(ctx, finish, shop.Success)
			return err
		}, func() bool { return there(finish.OrderID, shop.Success) }},
		{"release an order", func(ctx context.Context, s *store.Store) error {
			return s.ReleaseOrder(ctx, release)
		}, func() bool {
			return !held(release.OrderID)
		}},
		{"claim orders", func(ctx context.Context, s *store.Store) error {
			_, err := s.ClaimOrders(ctx, 10, time.Hour)
			return err
		}, func() bool {
			return held(wished.ID)
		}},
	}
}

// TestALostAnswerToCommit lets each write's COMMIT arrive and loses the response. It checks that the error is Uncertain
// without a time to try again, since the write is there.
func TestALostAnswerToCommit(t *testing.T) {
	wire, far, near, db := mustWire(t)
	for _, write := range writesOf(t, near, db) {
		wire.LoseResponse("\x03COMMIT") // a query that begins so: READ COMMITTED is none
		err := write.do(t.Context(), far)
		var failure *shop.Error
		if !errors.As(err, &failure) || failure.Kind != shop.Uncertain || failure.RetryAfter != 0 {
			t.Errorf("%s, and the answer to COMMIT is lost: %v, want Uncertain without a time to try again",
				write.name, err)
		}
		if !write.done() {
			t.Errorf("%s: it was not carried out, though COMMIT arrived", write.name)
		}
	}
}

// TestALostAnswerBeforeCommit loses the response to each write's own statement. It checks that nothing has been
// written, and that the error says when to try again.
func TestALostAnswerBeforeCommit(t *testing.T) {
	wire, far, near, db := mustWire(t)
	statements := map[string]string{
		"add a product": "INSERT INTO product", "rename a product": "UPDATE product",
		"delete a product": "DELETE FROM product",
		"add an order":     "INSERT INTO `order`", "finish an order": "UPDATE `order`",
		"release an order": "UPDATE `order`",
		"claim orders":     "SELECT order_id",
	}
	for _, write := range writesOf(t, near, db) {
		wire.LoseResponse(statements[write.name])
		err := write.do(t.Context(), far)
		var failure *shop.Error
		if !errors.As(err, &failure) || failure.Kind != shop.Unavailable || failure.RetryAfter == 0 {
			t.Errorf("%s, and the answer to its statement is lost: %v, want Unavailable and a time to try again",
				write.name, err)
		}
		if write.done() {
			t.Errorf("%s: it was carried out without COMMIT", write.name)
		}
	}
}

// TestACallerThatLeavesInItsTransaction ends the callers' context while their transactions are under way: an
// addition is Uncertain, since others' may carry it on; what was not sent to be committed is plainly given up.
func TestACallerThatLeavesInItsTransaction(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		journal := &heldJournal{letGo: make(chan struct{})}
		cfg.Journal = journal
		s := mustOpenHeld(t, cfg)
		for i, row := range []struct {
			do   func(ctx context.Context) error
			want func(error) bool
		}{
			{func(ctx context.Context) error {
				_, err := s.RenameProduct(ctx, 1, "Robot", nil)
				return err
			}, func(err error) bool { return errors.Is(err, context.Canceled) && shop.KindOf(err) != shop.Uncertain }},
			{func(ctx context.Context) error {
				_, err := s.AddProduct(ctx, "Robot")
				return err
			}, func(err error) bool { return shop.KindOf(err) == shop.Uncertain }},
		} {
			ctx, leave := context.WithCancel(t.Context())
			result := make(chan error, 1)
			go func() { result <- row.do(ctx) }()
			await(t, func() bool { return journal.records.Load() == int64(i+1) })
			leave()
			if err := <-result; !row.want(err) {
				t.Errorf("write %d, left in its transaction: %v", i, err)
			}
		}
		close(journal.letGo)
		await(t, func() bool { return mustCount(t, s) == 3 })
		if p, err := s.Product(t.Context(), 1); err != nil || p.Version != 1 {
			t.Errorf("a rename that was given up left %v, %v", p, err)
		}
	})
}
