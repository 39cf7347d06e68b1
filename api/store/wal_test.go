package store_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/api/store"
)

// walLimit is what the log may stay at, in bytes.
const walLimit = 16 << 20

// mustFillLog starts a reader that keeps the write-ahead log from being reset while it grows to twice what it may stay
// at. The reader ends with its Rollback.
func mustFillLog(t *testing.T, cfg store.Config, s *store.Store) (reader *sql.Tx, size func() int64) {
	t.Helper()
	size = func() int64 {
		log, err := os.Stat(filepath.Join(cfg.DataDir, "woody.db-wal"))
		if err != nil {
			t.Fatal(err)
		}
		return log.Size()
	}
	db, err := sql.Open("sqlite", filepath.Join(cfg.DataDir, "woody.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if reader, err = db.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true}); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := reader.QueryRow("SELECT COUNT(*) FROM product").Scan(&n); err != nil {
		t.Fatal(err)
	}
	name := strings.Repeat("🚂", 200)
	for began := time.Now(); size() < 2*walLimit; {
		mustAdd(t, s, name)
		if time.Since(began) > 5*time.Minute {
			t.Fatalf("the log has %d bytes after five minutes of writes", size())
		}
	}
	return reader, size
}

// TestALogThatAReaderMadeLarge checks that the write-ahead log becomes small again: by the writes that follow, or by
// Upkeep where there are none.
func TestALogThatAReaderMadeLarge(t *testing.T) {
	t.Parallel()
	t.Run("writes follow", func(t *testing.T) {
		cfg := store.Config{DataDir: t.TempDir()}
		s := mustOpen(t, cfg)
		reader, size := mustFillLog(t, cfg, s)
		if err := s.Upkeep(t.Context()); err != nil { // beside the reader it does what it can
			t.Error(err)
		}
		if err := reader.Rollback(); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			mustAdd(t, s, "Robot")
		}
		if got := size(); got > walLimit {
			t.Errorf("the log has %d bytes after writes without a reader, want %d at most", got, walLimit)
		}
	})
	t.Run("nobody writes", func(t *testing.T) {
		cfg := store.Config{DataDir: t.TempDir()}
		s := mustOpen(t, cfg)
		reader, size := mustFillLog(t, cfg, s)
		if err := reader.Rollback(); err != nil {
			t.Fatal(err)
		}
		before := mustCount(t, s)
		if err := s.Upkeep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := size(); got > walLimit {
			t.Errorf("the log has %d bytes after Upkeep, want %d at most", got, walLimit)
		}
		if got := mustCount(t, s); got != before {
			t.Errorf("%d products are left of %d", got, before)
		}
	})
}
