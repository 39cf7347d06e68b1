package store_test

import (
	"context"
	"database/sql"
	"syscall"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/api/store"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// TestWaitingForAConnectionIsBounded fills the only connection with the slow query.
func TestWaitingForAConnectionIsBounded(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		cfg.Pool, cfg.Wait, cfg.SlowQuery = 1, 20*time.Millisecond, time.Hour
		s := mustOpen(t, cfg)
		ctx, cancel := context.WithCancel(t.Context())
		slow := make(chan error)
		go func() {
			_, err := s.Last(ctx)
			slow <- err
		}()
		for s.Slots().InUse() == 0 {
			time.Sleep(time.Millisecond)
		}
		_, err := s.Product(t.Context(), 1)
		if shop.KindOf(err) != shop.Busy {
			t.Errorf("a read with all connections taken = %v, want Busy", err)
		}
		if cfg.DSN != "" { // SQLite's writer has a connection of its own
			if _, err := s.AddProduct(t.Context(), "Robot"); shop.KindOf(err) != shop.Busy {
				t.Errorf("an addition with all connections taken = %v, want Busy", err)
			}
		}
		if err := s.Ping(t.Context()); err != nil {
			t.Errorf("ping = %v, want nil: background work has its own connection", err)
		}
		cancel()
		<-slow
	})
}

// TestSlowReadsThatNobodyShares reads the last product many times where writes are made, and past the cache, and checks
// that connections are left for other calls.
func TestSlowReadsThatNobodyShares(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		t.Parallel() // it waits for as long as a busy machine may take over an addition
		cfg.Pool, cfg.Wait, cfg.SlowQuery = 2, 5*time.Second, time.Hour
		s := mustOpen(t, cfg)
		for name, apart := range map[string]func(context.Context) context.Context{
			"at the primary": shop.AtPrimary, "past the cache": shop.Apart,
		} {
			ctx, cancel := context.WithCancel(t.Context())
			t.Cleanup(cancel)
			const readers = 3
			slow := make(chan error, readers)
			for range readers {
				go func() {
					_, err := s.Last(apart(ctx))
					slow <- err
				}()
			}
			if err := <-slow; shop.KindOf(err) != shop.Busy {
				t.Errorf("%s: the last product, while another reads it: %v, want Busy", name, err)
			}
			if held := s.Slots().InUse(); held > 1 {
				t.Errorf("%s: %d connections are held, want one", name, held)
			}
			if _, err := s.AddProduct(t.Context(), "Robot"); err != nil {
				t.Errorf("%s: an addition meanwhile: %v", name, err)
			}
			if _, err := s.Product(t.Context(), 1); err != nil {
				t.Errorf("%s: a read meanwhile: %v", name, err)
			}
			cancel()
			for range readers - 1 {
				<-slow
			}
		}
	})
}

// stopping is a journal that pauses the server between a change and its commit.
type stopping struct{ server *servers.MariaDB }

func (j stopping) Record(context.Context, *sql.Tx, []string) (int64, error) {
	return 1, j.server.Signal(syscall.SIGSTOP)
}

func (j stopping) Settle(context.Context, int64, []string) error { return nil }

// TestACommitIsNotWaitedForEver pauses the server before a commit, a caller's and a worker's: nobody knows what becomes
// of it.
func TestACommitIsNotWaitedForEver(t *testing.T) {
	t.Parallel()
	server, dsn := mustStartMariaDB(t)
	plain := mustOpen(t, store.Config{DSN: dsn})
	mustOrder(t, plain, "Yoyo")
	claim := mustClaim(t, plain, 1, time.Hour)
	s := mustOpen(t, store.Config{DSN: dsn, Timeout: 10 * time.Second, Journal: stopping{server}})
	for name, write := range map[string]func() error{
		"a product":      func() error { _, err := s.AddProduct(t.Context(), "Robot"); return err },
		"an order's end": func() error { _, err := s.FinishOrder(t.Context(), claim, shop.Success); return err },
	} {
		result := make(chan error, 1)
		go func() { result <- write() }()
		select {
		case err := <-result:
			if shop.KindOf(err) != shop.Uncertain {
				t.Errorf("%s: a commit without an answer = %v, want Uncertain", name, err)
			}
		case <-time.After(time.Minute):
			t.Errorf("%s: a commit without an answer was waited for a minute", name)
		}
		if err := server.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		mustOpen(t, store.Config{DSN: dsn}) // waits until the server is awake
	}
}

// TestALockIsNotWaitedForByNobody has a write wait for a row that another client keeps, and checks that the server soon
// gives up what the write waited for, and held, once its caller has left.
func TestALockIsNotWaitedForByNobody(t *testing.T) {
	t.Parallel()
	cfg := store.Config{DSN: mustDatabase(t), Timeout: 3 * time.Second}
	s := mustOpen(t, cfg)
	db := mustOpenDB(t, cfg.DSN)
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.Exec("SELECT id FROM product WHERE id = 1 FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	if p, err := s.RenameProduct(t.Context(), 1, "Robot", nil); err == nil {
		t.Fatalf("a row that is locked is written: %v", p)
	}
	const busy = "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND command = 'Query'" +
		" AND id <> CONNECTION_ID()"
	left := time.Now()
	for waiting := 1; waiting > 0; time.Sleep(100 * time.Millisecond) {
		if err := db.QueryRowContext(t.Context(), busy).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
		if time.Since(left) > 30*time.Second && waiting > 0 { // its own bound is 50s
			t.Fatalf("%v after its caller has left, the server still waits", time.Since(left))
		}
	}
}

// TestASilentDatabaseIsUnavailable pauses the server, which then takes connections and never answers.
func TestASilentDatabaseIsUnavailable(t *testing.T) {
	t.Parallel()
	server, dsn := mustStartMariaDB(t)
	s := mustOpen(t, store.Config{DSN: dsn, Timeout: 10 * time.Second})
	if err := server.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Product(t.Context(), 1); shop.KindOf(err) != shop.Unavailable {
		t.Errorf("read = %v, want Unavailable", err)
	}
	if _, err := s.AddProduct(t.Context(), "Robot"); shop.KindOf(err) != shop.Unavailable {
		t.Errorf("write = %v, want Unavailable", err)
	}
	if err := server.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, store.Config{DSN: dsn}) // waits until the server is awake, for longer than s does
	if _, err := s.Product(t.Context(), 1); err != nil {
		t.Errorf("read after the pause = %v, want nil", err)
	}
}
