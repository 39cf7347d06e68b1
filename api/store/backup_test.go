package store_test

import (
	"database/sql"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/woodytoys/woodytoys/api/store"
)

// names returns the names of a file's products, in their order.
func names(t *testing.T, file string) string {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var found string
	const all = "SELECT GROUP_CONCAT(name) FROM (SELECT name FROM product ORDER BY id)"
	if err := db.QueryRow(all).Scan(&found); err != nil {
		t.Fatal(err)
	}
	return found
}

// mustBackUp makes a shop's database in a folder that is not there yet, with a log that has a product of its own, and a
// backup from before that. Nobody has it open, but who reads it until end is called, if somebody does.
func mustBackUp(t *testing.T, read bool) (dataDir, backup string, end func()) {
	t.Helper()
	dataDir, backup = filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "backup.db")
	s, err := store.Open(store.Config{DataDir: dataDir})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := store.Backup(t.Context(), dataDir, backup); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(dataDir, "woody.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	reader, err := db.Begin() // by it the log outlives the store
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := reader.QueryRow("SELECT COUNT(*) FROM product").Scan(&n); err != nil {
		t.Fatal(err)
	}
	s.MustExec(t.Context(), "INSERT INTO product (name) VALUES ('newest')")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if read {
		return dataDir, backup, func() { reader.Rollback(); db.Close() }
	}
	killed := map[string][]byte{} // the files as one that was killed leaves them
	for _, name := range []string{"woody.db", "woody.db-wal"} {
		name = filepath.Join(dataDir, name)
		if killed[name], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	reader.Rollback()
	db.Close()
	for name, content := range killed {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dataDir, backup, nil
}

// TestRestoreKeepsWhatIsInTheLog restores while another program reads a database whose newest write is in its log,
// which is refused and changes nothing, and once more when that has ended.
func TestRestoreKeepsWhatIsInTheLog(t *testing.T) {
	dataDir, backup, end := mustBackUp(t, true)
	file := filepath.Join(dataDir, "woody.db")
	const all = "Yoyo,Joli train,newest"
	if former, err := store.Restore(t.Context(), dataDir, backup); err == nil ||
		!strings.Contains(err.Error(), "another program has the database open") || former != "" {
		t.Errorf("under a reader: %q, %v", former, err)
	}
	if got := names(t, file); got != all {
		t.Errorf("then there are %s, want %s", got, all)
	}
	if left, err := filepath.Glob(file + ".*"); err != nil || len(left) > 0 {
		t.Errorf("left are %v", left)
	}
	end()
	former, err := store.Restore(t.Context(), dataDir, backup)
	if err != nil {
		t.Fatal(err)
	}
	if got, kept := names(t, file), names(t, former); got != "Yoyo,Joli train" || kept != all {
		t.Errorf("restored are %s, kept %s", got, kept)
	}
}

// TestRestoreWithoutLinks restores on a file system that has no hard links: what was there is kept in a copy.
func TestRestoreWithoutLinks(t *testing.T) {
	store.SetLink(t, func(from, to string) error {
		if _, err := os.Stat(from); err != nil {
			return err
		}
		return &os.LinkError{Op: "link", Old: from, New: to, Err: syscall.EPERM}
	})
	dataDir, backup, _ := mustBackUp(t, false)
	former, err := store.Restore(t.Context(), dataDir, backup)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dataDir, "woody.db")
	if got, kept := names(t, file), names(t, former); got != "Yoyo,Joli train" || kept != "Yoyo,Joli train,newest" {
		t.Errorf("restored are %s, kept %s", got, kept)
	}
}

// TestFilesAreTheirOwners checks that nobody else may read the database, its log, or what a restore makes and keeps:
// the hashes of passwords are in there. Those of a release that let everybody read them are closed.
func TestFilesAreTheirOwners(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o022))
	dataDir, backup := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "backup.db")
	want := func(when string, least int) {
		t.Helper()
		found, err := filepath.Glob(filepath.Join(dataDir, "woody.db*"))
		if err != nil || len(found) < least {
			t.Errorf("%s: %v, %v; want %d files", when, found, err, least)
		}
		for _, name := range append(found, dataDir, backup) {
			if info, err := os.Stat(name); err == nil && info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s: %s is %v", when, name, info.Mode())
			}
		}
	}
	open := func(when string) {
		t.Helper()
		s, err := store.Open(store.Config{DataDir: dataDir})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		want(when, 3)
	}
	opened := func() {
		t.Helper()
		if err := os.Chmod(filepath.Join(dataDir, "woody.db"), fs.FileMode(0o644)); err != nil {
			t.Fatal(err)
		}
	}
	open("made")
	opened()
	open("opened again")
	if err := store.Backup(t.Context(), dataDir, backup); err != nil {
		t.Fatal(err)
	}
	opened()
	if _, err := store.Restore(t.Context(), dataDir, backup); err != nil {
		t.Fatal(err)
	}
	want("restored", 2)
	open("opened after a restore")
}
