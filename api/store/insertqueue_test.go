package store_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/api/store"
)

// heldJournal holds every transaction back at its record until it is let go.
type heldJournal struct {
	letGo   chan struct{}
	records atomic.Int64
	settled sync.Map // tag: true
}

func (j *heldJournal) Record(ctx context.Context, _ *sql.Tx, _ []string) (int64, error) {
	j.records.Add(1)
	select {
	case <-j.letGo:
		return 1, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func (j *heldJournal) Settle(_ context.Context, _ int64, tags []string) error {
	for _, tag := range tags {
		j.settled.Store(tag, true)
	}
	return nil
}

// TestAdditionsShareATransaction checks that of fifty callers who come while the first transactions are held back, the
// good additions are made in one, and that its journal records each.
func TestAdditionsShareATransaction(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		journal := &heldJournal{letGo: make(chan struct{})}
		cfg.Journal = journal
		s := mustOpenHeld(t, cfg)
		mustExec(t, cfg, refuseBad(cfg))
		before := mustCount(t, s)

		var callers sync.WaitGroup
		var refused atomic.Int64
		add := func(name string) {
			callers.Go(func() {
				switch p, err := s.AddProduct(t.Context(), name); {
				case strings.HasPrefix(name, "bad"):
					if shop.KindOf(err) == shop.Internal {
						refused.Add(1)
					}
				case err != nil:
					t.Errorf("%s: %v", name, err)
				default:
					if stored, err := s.Product(t.Context(), p.ID); err != nil || stored != p || p.Name != name {
						t.Errorf("added %+v, and stored is %+v, %v", p, stored, err)
					}
					if settled, _ := journal.settled.Load(shop.ProductTag(p.ID)); settled != true {
						t.Errorf("the journal was not told of %s", name)
					}
				}
			})
		}
		first := 1 // as many as there are workers with a connection
		if cfg.DSN != "" {
			first = 2
		}
		for i := range first {
			add("first")
			await(t, func() bool { return journal.records.Load() == int64(i+1) })
		}
		for range 50 {
			add("good")
		}
		add("bad")
		leaving, leave := context.WithCancel(t.Context())
		callers.Go(func() {
			if _, err := s.AddProduct(leaving, "left"); !errors.Is(err, context.Canceled) {
				t.Errorf("a caller that left: %v", err)
			}
		})
		await(t, func() bool { return s.InsertsWaiting() == 52 })
		leave()
		await(t, func() bool { return s.InsertsWaiting() == 51 })
		close(journal.letGo)
		callers.Wait()

		if got := mustCount(t, s) - before; got != int64(first+50) {
			t.Errorf("%d products were added, want %d", got, first+50)
		}
		if refused.Load() != 1 {
			t.Error("the product that the database refuses was not")
		}
		if got := journal.records.Load(); got != int64(first+1) {
			t.Errorf("it took %d transactions, want %d", got, first+1)
		}
	})
}

// slowJournal settles nothing before it is let go.
type slowJournal struct {
	letGo   chan struct{}
	settles atomic.Int64
}

func (j *slowJournal) Record(context.Context, *sql.Tx, []string) (int64, error) { return 1, nil }

func (j *slowJournal) Settle(context.Context, int64, []string) error {
	j.settles.Add(1)
	<-j.letGo
	return nil
}

// TestAdditionsDoNotWaitForOthersCaches delays each caller's invalidation, as when Redis is away. It checks that
// callers behind are stored meanwhile, and that nobody gets a response before the own invalidation.
func TestAdditionsDoNotWaitForOthersCaches(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		journal := &slowJournal{letGo: make(chan struct{})}
		cfg.Journal = journal
		s := mustOpen(t, cfg)
		var callers sync.WaitGroup
		var answered atomic.Int64
		for i := range 5 {
			callers.Go(func() {
				if _, err := s.AddProduct(t.Context(), "Robot"); err != nil {
					t.Error(err)
				}
				answered.Add(1)
			})
			await(t, func() bool { return journal.settles.Load() == int64(i+1) })
		}
		if n := answered.Load(); n > 0 {
			t.Errorf("%d callers were answered before their caches had heard", n)
		}
		close(journal.letGo)
		callers.Wait()
	})
}

// TestASlowDatabaseAddsFewAtATime checks that sixty products, whose addition together would take longer than one
// transaction may, are added in several.
func TestASlowDatabaseAddsFewAtATime(t *testing.T) {
	t.Parallel()
	cfg := store.Config{DSN: mustDatabase(t), Timeout: 12 * time.Second, Wait: 2 * time.Minute}
	s := mustOpen(t, cfg)
	mustExec(t, cfg, "CREATE TRIGGER slow BEFORE INSERT ON product FOR EACH ROW DO SLEEP(0.3)")
	var callers sync.WaitGroup
	for range 60 {
		callers.Go(func() {
			if _, err := s.AddProduct(t.Context(), "Robot"); err != nil {
				t.Error(err)
			}
		})
	}
	callers.Wait()
}

// TestAdditionsWithoutADatabase checks that every caller of a group gets Unavailable when there is no database.
func TestAdditionsWithoutADatabase(t *testing.T) {
	s, err := store.Open(store.Config{DSN: "root@unix(/nowhere)/shop", Wait: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var callers sync.WaitGroup
	for range 100 {
		callers.Go(func() {
			if _, err := s.AddProduct(t.Context(), "Robot"); shop.KindOf(err) != shop.Unavailable {
				t.Errorf("without a database: %v, want Unavailable", err)
			}
		})
	}
	callers.Wait()
}

// refuseBad returns a trigger that refuses one product.
func refuseBad(cfg store.Config) string {
	if cfg.DSN == "" {
		return "CREATE TRIGGER bad BEFORE INSERT ON product WHEN NEW.name = 'bad' BEGIN SELECT RAISE(ABORT, 'bad'); END"
	}
	return "CREATE TRIGGER bad BEFORE INSERT ON product FOR EACH ROW IF NEW.name = 'bad' THEN SIGNAL SQLSTATE " +
		"'45000'; END IF"
}

func mustCount(t *testing.T, s *store.Store) int64 {
	t.Helper()
	last, err := s.Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return last.Count
}

// await waits until it is so; it fails the test after a minute.
func await(t *testing.T, so func() bool) {
	t.Helper()
	for began := time.Now(); !so(); time.Sleep(time.Millisecond) {
		if time.Since(began) > time.Minute {
			t.Fatal("it did not come to be so within a minute")
		}
	}
}
