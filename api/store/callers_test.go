package store_test

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"net"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/woodytoys/woodytoys/api/callers"
	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/api/store"
)

// newCaller returns the context of a caller, and has him leave.
func newCaller(t *testing.T) (ctx context.Context, leave context.CancelFunc) {
	one, other := net.Pipe()
	t.Cleanup(func() { one.Close(); other.Close() })
	return callers.Watch(callers.Process(t.Context()), one)
}

// leavingJournal ends the caller's context between a change and its commit.
type leavingJournal struct{ leave context.CancelFunc }

func (j *leavingJournal) Record(context.Context, *sql.Tx, []string) (int64, error) {
	j.leave()
	return 1, nil
}

func (j *leavingJournal) Settle(context.Context, int64, []string) error { return nil }

// TestAWriteThatBeganIsFinished checks that a write is carried out though its caller leaves in the midst of it.
func TestAWriteThatBeganIsFinished(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		journal := &leavingJournal{}
		cfg.Journal = journal
		s := mustOpen(t, cfg)
		write := func(write func(ctx context.Context) error) {
			t.Helper()
			ctx, leave := newCaller(t)
			journal.leave = leave
			if err := write(ctx); err != nil || ctx.Err() == nil {
				t.Errorf("a write whose caller left meanwhile (%v) = %v, want nil", ctx.Err(), err)
			}
		}
		order := shop.Order{ID: uuid.NewString(), Product: "Yoyo", Status: shop.Pending, Version: 1}
		write(func(ctx context.Context) error { _, err := s.AddOrder(ctx, order, "a key"); return err })
		if got, err := s.Order(t.Context(), order.ID); err != nil || !reflect.DeepEqual(got, order) {
			t.Errorf("the order is %+v, %v", got, err)
		}
		write(func(ctx context.Context) error { _, err := s.RenameProduct(ctx, 1, "Jojo", nil); return err })
		if got, err := s.Product(t.Context(), 1); err != nil || got.Name != "Jojo" {
			t.Errorf("the product is %+v, %v", got, err)
		}
		var added shop.Product
		write(func(ctx context.Context) (err error) { added, err = s.AddProduct(ctx, "Robot"); return err })
		if got, err := s.Product(t.Context(), added.ID); err != nil || got != added {
			t.Errorf("the product is %+v, %v", got, err)
		}
	})
}

// TestALeftWriteDoesNotBegin checks that a write whose caller leaves while it waits for a connection is not carried out
// once there is one.
func TestALeftWriteDoesNotBegin(t *testing.T) {
	cfg := store.Config{DSN: mustDatabase(t), Pool: 1, SlowQuery: time.Hour}
	s := mustOpen(t, cfg)
	before, err := s.Products(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	reader, stopReading := newCaller(t)
	read := make(chan error, 1)
	go func() {
		_, err := s.Last(reader)
		read <- err
	}()
	for s.Slots().InUse() == 0 {
		time.Sleep(time.Millisecond)
	}
	order := shop.Order{ID: uuid.NewString(), Product: "Yoyo", Status: shop.Pending, Version: 1}
	writer, leave := newCaller(t)
	wrote := make(chan error, 2)
	go func() { _, err := s.AddOrder(writer, order, ""); wrote <- err }()
	go func() { _, err := s.AddProduct(writer, "Robot"); wrote <- err }()
	for s.Slots().Waiting() < 2 || s.InsertsWaiting() < 1 { // the order's connection, and the insert worker's
		time.Sleep(time.Millisecond)
	}
	leave()
	for range 2 {
		if err := <-wrote; !errors.Is(err, context.Canceled) {
			t.Errorf("a write whose caller left before it began = %v, want %v", err, context.Canceled)
		}
	}
	stopReading()
	<-read
	for s.Slots().InUse() > 0 || s.Slots().Waiting() > 0 {
		time.Sleep(time.Millisecond)
	}
	if _, err := s.Order(t.Context(), order.ID); shop.KindOf(err) != shop.NotFound {
		t.Errorf("the order = %v, want NotFound", err)
	}
	if got, err := s.Products(t.Context(), 0, 100); err != nil || len(got) != len(before) {
		t.Errorf("there are %d products, were %d: %v", len(got), len(before), err)
	}
}

// TestALeftSlowQueryKeepsItsConnection checks that when callers of the slow query leave, the connection is free at
// once, is still the same one, and the server does not go on sleeping.
func TestALeftSlowQueryKeepsItsConnection(t *testing.T) {
	cfg := store.Config{DSN: mustDatabase(t), Pool: 1, SlowQuery: time.Hour}
	s := mustOpen(t, cfg)
	connection := func() (id int64) {
		t.Helper()
		conn, err := s.DBs()["callers"].Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := conn.QueryRowContext(t.Context(), "SELECT CONNECTION_ID()").Scan(&id); err != nil {
			t.Fatal(err)
		}
		return id
	}
	before := connection()
	for range 3 {
		ctx, leave := newCaller(t)
		read := make(chan error, 1)
		go func() {
			_, err := s.Last(ctx)
			read <- err
		}()
		for s.Slots().InUse() == 0 {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(50 * time.Millisecond) // it may sleep by now
		leave()
		if err := <-read; !errors.Is(err, context.Canceled) {
			t.Errorf("the query of one who left = %v, want %v", err, context.Canceled)
		}
	}
	if after := connection(); after != before {
		t.Errorf("the connection is number %d, was number %d: the server sleeps on in the other", after, before)
	}
}

// TestReadersOfAFileWhoLeave checks that readers who leave in the midst of their reads leave no read open, which would
// show others what was there then, and keep the write-ahead log.
func TestReadersOfAFileWhoLeave(t *testing.T) {
	t.Parallel()
	cfg := store.Config{DataDir: t.TempDir()}
	s := mustOpen(t, cfg)
	var readers sync.WaitGroup
	for range 8 {
		readers.Go(func() {
			for range 400 {
				ctx, cancel := context.WithTimeout(t.Context(), rand.N(500*time.Microsecond))
				if _, err := s.Products(ctx, 0, 10); err != nil && ctx.Err() == nil {
					t.Errorf("read: %v", err)
				}
				cancel()
			}
		})
	}
	readers.Wait()
	mustAdd(t, s, "Robot")
	db, err := sql.Open("sqlite", filepath.Join(cfg.DataDir, "woody.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var blocked, pages, copied int64
	if err := db.QueryRow("PRAGMA wal_checkpoint(TRUNCATE)").Scan(&blocked, &pages, &copied); err != nil {
		t.Fatal(err)
	}
	if blocked != 0 {
		t.Error("somebody still reads, though all readers have left")
	}
}
