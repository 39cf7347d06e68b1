package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/google/uuid"

	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/api/store"
)

func testProductKeys(t *testing.T, s *store.Store) {
	key := uuid.NewString()
	before := mustCount(t, s)
	const callers = 24
	var made [callers]shop.Product
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() {
			var err error
			if made[i], err = s.AddProductOnce(context.Background(), "Robot", key); err != nil {
				t.Error(err)
			}
		})
		group.Go(func() { // among others that are added meanwhile
			if _, err := s.AddProductOnce(context.Background(), "Train", fmt.Sprint(key, i)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for _, p := range made {
		if p != made[0] || p.ID == 0 || p.Name != "Robot" || p.Version != 1 {
			t.Fatalf("one key made several products: %v", made)
		}
	}
	if got := mustCount(t, s) - before; got != callers+1 {
		t.Errorf("%d products were added, want %d", got, callers+1)
	}
	if err := s.Upkeep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteProduct(t.Context(), made[0].ID, nil); err != nil {
		t.Fatal(err)
	}
	if p, err := s.AddProductOnce(t.Context(), "another name", key); p != made[0] || err != nil {
		t.Errorf("the key again = %v, %v; want %v, as it was", p, err, made[0])
	}
	if _, err := s.ProductByKey(t.Context(), key+"x"); shop.KindOf(err) != shop.NotFound {
		t.Errorf("a new key = %v, want NotFound", err)
	}
	o, err := s.AddOrder(t.Context(), newOrder("Yoyo"), key)
	if err != nil || o.Product != "Yoyo" {
		t.Errorf("a product's key for an order: %v, %v", o, err)
	}
}

// TestKeysAreForgottenAfterADay checks that Upkeep removes idempotency keys of both kinds after a day, and not before.
func TestKeysAreForgottenAfterADay(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		s := mustOpen(t, cfg)
		for age, want := range map[string]bool{"86340": true, "86410": false} { // seconds
			p, err := s.AddProductOnce(t.Context(), "Robot", age)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.AddOrder(t.Context(), newOrder("Yoyo"), age); err != nil {
				t.Fatal(err)
			}
			mustExec(t, cfg,
				"UPDATE product_key SET created_us = created_us - "+age+" * 1000000 WHERE idempotency_key = '"+age+"'",
				"UPDATE order_key SET created_us = created_us - "+age+" * 1000000 WHERE idempotency_key = '"+age+"'")
			if err := s.Upkeep(t.Context()); err != nil {
				t.Fatal(err)
			}
			again, err := s.AddProductOnce(t.Context(), "Robot", age)
			if err != nil || (again == p) != want {
				t.Errorf("a key of %s s ago made %v again, %v; the first time %v", age, again, err, p)
			}
			if _, err := s.OrderByKey(t.Context(), age); (err == nil) != want {
				t.Errorf("an order's key of %s s ago: %v", age, err)
			}
		}
	})
}

// TestNothingIsForgottenByAWrongClock has the database's clock go ahead: what is old by it is kept until it is right
// again, or has been ahead for an hour, as where it was set right or the machine has slept. A little ahead is right.
func TestNothingIsForgottenByAWrongClock(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		s := mustOpen(t, cfg)
		for i, step := range []struct {
			ahead, passed time.Duration
			forgets       bool
		}{
			{0, 0, true}, {4 * time.Minute, 0, true}, {6 * time.Minute, 0, false}, {0, 59 * time.Minute, false},
			{-6 * time.Minute, 0, true}, {24 * time.Hour, 0, false}, {0, 59 * time.Minute, false},
			{0, 2 * time.Minute, true}, {0, 0, true}, {-24 * time.Hour, 0, true}, {24 * time.Hour, 0, false},
			{0, 59 * time.Minute, false}, {24 * time.Hour, 2 * time.Minute, false}, {0, 61 * time.Minute, true},
		} {
			mustExec(t, cfg, "INSERT INTO order_key (idempotency_key, order_id, created_us) "+
				"SELECT 'old', 'x', 1 FROM (SELECT 1) one WHERE NOT EXISTS (SELECT 1 FROM order_key)")
			s.AdvanceClock(step.ahead)
			s.PassTime(step.passed)
			if err := s.Upkeep(t.Context()); err != nil {
				t.Fatal(err)
			}
			if left := mustSelect(t, cfg, "SELECT COUNT(*) FROM order_key"); (left == 0) != step.forgets {
				t.Errorf("step %d: %d keys are left, want it to forget: %v", i, left, step.forgets)
			}
		}
	})
}

// TestManyKeysAreForgotten checks that Upkeep removes more keys than it takes at a time, and none that is younger.
func TestManyKeysAreForgotten(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		s := mustOpen(t, cfg)
		if _, err := s.AddOrder(t.Context(), newOrder("Yoyo"), "young"); err != nil {
			t.Fatal(err)
		}
		for i := range 3 * store.ForgetGroup / 1000 {
			mustExec(t, cfg, fmt.Sprintf("INSERT INTO order_key (idempotency_key, order_id, created_us) "+
				"SELECT %d000 + 100 * a.d + 10 * b.d + c.d, 'x', 100 * a.d + b.d "+
				"FROM %[2]s a, %[2]s b, %[2]s c", i+1, digits))
		}
		if err := s.Upkeep(t.Context()); err != nil {
			t.Fatal(err)
		}
		left := mustSelect(t, cfg, "SELECT COUNT(*) FROM order_key")
		if _, err := s.OrderByKey(t.Context(), "young"); err != nil || left != 1 {
			t.Errorf("of 3,001 keys %d are left, and the one of today: %v", left, err)
		}
	})
}

// brokenOnce is a journal whose first record fails.
type brokenOnce struct{ records atomic.Int64 }

func (j *brokenOnce) Record(context.Context, *sql.Tx, []string) (int64, error) {
	if j.records.Add(1) == 1 {
		return 0, errors.New("broken")
	}
	return 1, nil
}

func (*brokenOnce) Settle(context.Context, int64, []string) error { return nil }

// fullJournal is a journal that there is no room for.
type fullJournal struct{ atomic.Bool }

func (j *fullJournal) Record(context.Context, *sql.Tx, []string) (int64, error) {
	if j.Load() {
		return 0, &mysql.MySQLError{Number: 1114, Message: "The table is full"}
	}
	return 1, nil
}

func (*fullJournal) Settle(context.Context, int64, []string) error { return nil }

// TestARepeatedKeyOnAFullDatabase checks that who repeats the key of an order that was stored is not told that nothing
// was, where only its invalidation has no room.
func TestARepeatedKeyOnAFullDatabase(t *testing.T) {
	t.Parallel()
	var journal fullJournal
	s := mustOpen(t, store.Config{DSN: mustDatabase(t), Journal: &journal})
	if _, err := s.AddOrder(t.Context(), newOrder("Yoyo"), "again"); err != nil {
		t.Fatal(err)
	}
	journal.Store(true)
	if _, err := s.AddOrder(t.Context(), newOrder("Yoyo"), "other"); shop.KindOf(err) != shop.Full {
		t.Errorf("a new order = %v, want Full", err)
	}
	if _, err := s.OrderByKey(t.Context(), "again"); shop.KindOf(err) != shop.Uncertain {
		t.Errorf("the order that was stored = %v, want Uncertain", err)
	}
}

// TestAKeyOfATransactionThatFails checks that when a group with a key twice is rolled back, neither call returns that
// the key was used.
func TestAKeyOfATransactionThatFails(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		held := &heldJournal{letGo: make(chan struct{})}
		once := &brokenOnce{}
		once.records.Store(1)
		cfg.Journal = chained{held, once}
		s := mustOpenHeld(t, cfg)
		var group sync.WaitGroup
		first := int64(1) // as many as there are workers with a connection
		if cfg.DSN != "" {
			first = 2
		}
		for i := range first {
			group.Go(func() { mustAdd(t, s, "first") })
			await(t, func() bool { return held.records.Load() == i+1 })
		}
		for range 2 {
			group.Go(func() {
				if _, err := s.AddProductOnce(t.Context(), "Robot", "key"); shop.KindOf(err) != shop.Internal {
					t.Errorf("a key in a transaction that failed: %v, want its error", err)
				}
			})
		}
		await(t, func() bool { return s.InsertsWaiting() == 2 })
		once.records.Store(-first)
		close(held.letGo)
		group.Wait()
		if p, err := s.AddProductOnce(t.Context(), "Robot", "key"); err != nil || p.Name != "Robot" {
			t.Errorf("the key after that: %v, %v", p, err)
		}
	})
}

// chained is two journals, of which the second decides.
type chained struct{ first, second store.Journal }

func (c chained) Record(ctx context.Context, tx *sql.Tx, tags []string) (int64, error) {
	if _, err := c.first.Record(ctx, tx, tags); err != nil {
		return 0, err
	}
	return c.second.Record(ctx, tx, tags)
}

func (c chained) Settle(_ context.Context, record int64, tags []string) error {
	return c.second.Settle(context.Background(), record, tags)
}

// recordingJournal records the tags that it is given.
type recordingJournal struct {
	mu   sync.Mutex
	tags []string
}

func (*recordingJournal) Record(context.Context, *sql.Tx, []string) (int64, error) { return 1, nil }

func (j *recordingJournal) Settle(_ context.Context, _ int64, tags []string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.tags = append(j.tags, tags...)
	return nil
}

// TestARepeatedCallTellsTheCaches checks that a repeated call with a key invalidates once more: it acknowledges too,
// and the first one's invalidation may be missing.
func TestARepeatedCallTellsTheCaches(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		journal := &recordingJournal{}
		cfg.Journal = journal
		s := mustOpen(t, cfg)
		p, err := s.AddProductOnce(t.Context(), "Robot", "key")
		if err != nil {
			t.Fatal(err)
		}
		o, err := s.AddOrder(t.Context(), newOrder("Yoyo"), "key")
		if err != nil {
			t.Fatal(err)
		}
		for tag, again := range map[string]func() error{
			shop.NewestProducts:   func() error { _, err := s.AddProductOnce(t.Context(), "Robot", "key"); return err },
			shop.ProductTag(p.ID): func() error { _, err := s.ProductByKey(t.Context(), "key"); return err },
			shop.OrderTag(o.ID): func() error {
				_, err := s.AddOrder(t.Context(), newOrder("Yoyo"), "key")
				return err
			},
		} {
			journal.tags = nil
			if err := again(); err != nil || !slices.Contains(journal.tags, tag) {
				t.Errorf("a repeated call told %v of %s, %v", journal.tags, tag, err)
			}
		}
	})
}

// TestARepeatedCallAfterALostAnswer loses the answer to the COMMIT of a product with a key: the same call again returns
// what was stored, and stores nothing.
func TestARepeatedCallAfterALostAnswer(t *testing.T) {
	wire, far, near, _ := mustWire(t)
	before := mustCount(t, near)
	wire.LoseResponse("\x03COMMIT")
	if _, err := far.AddProductOnce(t.Context(), "Robot", "key"); shop.KindOf(err) != shop.Uncertain {
		t.Errorf("the answer to COMMIT is lost: %v, want Uncertain", err)
	}
	p, err := far.AddProductOnce(t.Context(), "Robot", "key")
	if stored := mustLast(t, near); err != nil || *stored.Product != p || stored.Count != before+1 {
		t.Errorf("the same again = %v, %v; want the product that is stored, %v of %d",
			p, err, stored.Product, stored.Count)
	}
}
