package store_test

import (
	"context"
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
		if err := s.Ping(t.Context()); err != nil {
			t.Errorf("ping = %v, want nil: background work has its own connection", err)
		}
		cancel()
		<-slow
	})
}

// TestASilentDatabaseIsUnavailable pauses the server, which then takes connections and never answers.
func TestASilentDatabaseIsUnavailable(t *testing.T) {
	server, err := servers.StartMariaDB()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	dsn, err := server.NewDatabase()
	if err != nil {
		t.Fatal(err)
	}
	s := mustOpen(t, store.Config{DSN: dsn, Timeout: 2 * time.Second})
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
