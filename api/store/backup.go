package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gofrs/flock"
	"modernc.org/sqlite"
)

// partial is how the name of a file ends that is not finished. The next one who makes the same file begins it anew.
const partial = ".partial"

// Backup writes the SQLite database in a folder to a file, as it is at one moment, also while a shop runs on it. The
// file is there once it is whole, checked and on the disk. It is an error if there is such a file already.
func Backup(ctx context.Context, dataDir, file string) (err error) {
	source := filepath.Join(dataDir, "woody.db")
	if _, err := os.Stat(source); err != nil {
		return fmt.Errorf("there is no shop's database in %s: %w", dataDir, err)
	}
	if _, err := os.Lstat(file); err == nil {
		return fmt.Errorf("%s exists: name another file", file)
	}
	unfinished, end, err := beginPartial(file)
	if err != nil {
		return err
	}
	defer end()
	db, err := sql.Open("sqlite", fileURL(source, "mode=rw&_pragma=busy_timeout(5000)"))
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", unfinished.Name()); err != nil {
		return fmt.Errorf("write the backup %s: %w", file, explainFile(err))
	}
	if err := checkShop(ctx, unfinished.Name()); err != nil {
		return fmt.Errorf("the backup of %s is not right: %w", source, err)
	}
	if err := unfinished.Sync(); err != nil {
		return fmt.Errorf("write the backup %s: %w", file, err)
	}
	return nameNew(unfinished.Name(), file)
}

// beginPartial opens the file that is to become another one, empty, and keeps others off it until end is called, which
// removes it unless it has got its name.
func beginPartial(file string) (unfinished *os.File, end func(), err error) {
	lock := flock.New(file+partial, flock.SetPermissions(0o600))
	switch got, err := lock.TryLock(); {
	case err != nil:
		return nil, nil, err
	case !got:
		return nil, nil, fmt.Errorf("%s is being written by another process", lock.Path())
	}
	end = func() {
		if unfinished != nil {
			unfinished.Close()
		}
		os.Remove(lock.Path()) // it is gone where it has got its name
		lock.Unlock()
	}
	if unfinished, err = os.OpenFile(lock.Path(), os.O_RDWR|os.O_TRUNC, 0); err != nil {
		end()
		return nil, nil, err
	}
	return unfinished, end, nil
}

// linkFile is os.Link, but in tests.
var linkFile = os.Link

// nameNew gives a file another name, which must be nobody's.
func nameNew(from, to string) error {
	err := linkFile(from, to)
	switch {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s exists: name another file", to)
	case err != nil: // not every file system has links
		if _, exists := os.Lstat(to); exists == nil {
			return fmt.Errorf("%s exists: name another file", to)
		}
		if err := os.Rename(from, to); err != nil {
			return err
		}
	}
	return syncFolder(filepath.Dir(to))
}

// Restore replaces a folder's SQLite database with what Backup wrote to a file, but without its sessions, of which some
// were ended since. It returns where what was there is now; empty if there was nothing. Nothing is changed if the file
// is not a whole database of this release or one before. No shop may run on the folder. Killed at any time, it leaves
// the folder with the one or the other.
func Restore(ctx context.Context, dataDir, file string) (former string, err error) {
	if err := lookAtBackup(file); err != nil {
		return "", err
	}
	if err := makeFolder(dataDir); err != nil {
		return "", err
	}
	lock := flock.New(filepath.Join(dataDir, "woody.lock"))
	switch got, err := lock.TryLock(); {
	case err != nil:
		return "", fmt.Errorf("lock the data folder: %w", err)
	case !got:
		return "", fmt.Errorf("a shop runs on %s: end it first", dataDir)
	}
	defer lock.Unlock()
	target := filepath.Join(dataDir, "woody.db")
	unfinished, end, err := beginPartial(target)
	if err != nil {
		return "", err
	}
	defer end()
	if err := copyInto(unfinished, file); err != nil {
		return "", fmt.Errorf("copy %s: %w", file, explainFile(err))
	}
	if err := checkShop(ctx, unfinished.Name()); err != nil {
		return "", fmt.Errorf("%s cannot be restored: %w", file, err)
	}
	if err := endAllSessions(ctx, unfinished); err != nil {
		return "", fmt.Errorf("end the sessions in %s: %w", unfinished.Name(), explainFile(err))
	}
	if former, err = keepOld(ctx, target); err != nil {
		return "", fmt.Errorf("keep what is there: %w", err)
	}
	if err := os.Rename(unfinished.Name(), target); err != nil {
		return former, err
	}
	return former, syncFolder(dataDir)
}

// sqliteMagic begins every SQLite database.
const sqliteMagic = "SQLite format 3\x00"

// lookAtBackup returns an error that says what a file is instead of a backup, as far as its first bytes and its
// neighbours show it.
func lookAtBackup(name string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file", name)
	}
	begins := make([]byte, len(sqliteMagic))
	if _, err := io.ReadFull(file, begins); err != nil || string(begins) != sqliteMagic {
		return fmt.Errorf("%s is not a SQLite database", name)
	}
	if log, err := os.Stat(name + "-wal"); err == nil && log.Size() > 0 {
		return fmt.Errorf("%s is the file of a database in use, whose newest part is in %s-wal: restore what "+
			"`api backup` makes of it", name, name)
	}
	return nil
}

func copyInto(to *os.File, from string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	if _, err := io.Copy(to, source); err != nil {
		return err
	}
	return to.Sync()
}

// checkShop returns nil if a file that nobody writes to is whole, and a shop's database of this release or one before.
func checkShop(ctx context.Context, file string) error {
	db, err := sql.Open("sqlite", fileURL(file, "mode=ro&immutable=1"))
	if err != nil {
		return err
	}
	defer db.Close()
	var found string
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&found); err != nil {
		return fmt.Errorf("it is damaged: %w", err)
	}
	if found != "ok" {
		return fmt.Errorf("it is damaged: %s", found)
	}
	var tables, version int
	const has = "SELECT COUNT(*) FROM sqlite_schema " +
		"WHERE type = 'table' AND name IN ('product', 'order', 'woody_schema')"
	if err := db.QueryRowContext(ctx, has).Scan(&tables); err != nil {
		return err
	}
	if tables != 3 {
		return errors.New("it is not a shop's database: it has no products, orders and schema")
	}
	if err := db.QueryRowContext(ctx, "SELECT COALESCE(MAX(version), 0) FROM woody_schema").Scan(&version); err != nil {
		return err
	}
	if newest := len(sqliteMigrations); version > newest {
		return fmt.Errorf("a newer release made it: its schema is %d, and this program knows %d; use that release",
			version, newest)
	}
	return nil
}

// endAllSessions removes the sessions of a shop's database that nobody else has open, if it may have any.
func endAllSessions(ctx context.Context, file *os.File) error {
	if err := removeLog(file.Name()); err != nil { // of one that was killed here
		return err
	}
	// The file is nobody's yet. Who is killed here leaves no journal, which would be taken for the next one's.
	settings := "mode=rw&_pragma=locking_mode(EXCLUSIVE)&_pragma=journal_mode(MEMORY)"
	db, err := sql.Open("sqlite", fileURL(file.Name(), settings))
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	var has bool
	err = db.QueryRowContext(ctx,
		"SELECT COUNT(*) > 0 FROM sqlite_schema WHERE type = 'table' AND name = 'woody_session'").Scan(&has)
	if err == nil && has {
		_, err = db.ExecContext(ctx, "DELETE FROM woody_session")
	}
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	return file.Sync()
}

// keepOld gives a database a second name, which it returns, and has all of it be in its one file where that can be: a
// log that stayed would be taken for the next database's. One too damaged to be opened loses its log here, of which the
// second name has all. Where the file system has no links, a copy of the file and of its log has that name.
func keepOld(ctx context.Context, file string) (former string, err error) {
	if _, err := os.Lstat(file); errors.Is(err, fs.ErrNotExist) {
		return "", removeLog(file) // without its database it is worth nothing
	}
	_ = keepPrivate(file) // whose mode the second name has too
	former = file + time.Now().UTC().Format(".before-20060102T150405.000")
	linked, err := linkOrCopy(file, former)
	if err != nil {
		return "", err
	}
	if _, err := linkOrCopy(file+"-wal", former+"-wal"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if err := syncFolder(filepath.Dir(file)); err != nil {
		return "", err
	}
	switch err := mergeLog(ctx, file); {
	case errors.Is(err, errLogHeld):
		return "", errors.Join(err, os.Remove(former), removeThere(former+"-wal"))
	case err == nil && linked:
		if err := removeThere(former + "-wal"); err != nil {
			return "", err
		}
	}
	return former, removeLog(file)
}

// linkOrCopy gives a file a second name, and reports whether it has; else that of a copy, on the disk.
func linkOrCopy(file, name string) (linked bool, err error) {
	err = linkFile(file, name)
	if err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) {
		return err == nil, err
	}
	made, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return false, err
	}
	if err := errors.Join(copyInto(made, file), made.Close()); err != nil {
		return false, errors.Join(explainFile(err), os.Remove(name))
	}
	return false, nil
}

// errLogHeld is that of a log which is not all in its database's file, because somebody else uses it.
var errLogHeld = errors.New("another program has the database open, and what was written last is in its log: end " +
	"that program, and restore again")

// mergeLog moves what is in a database's log to its file.
func mergeLog(ctx context.Context, file string) error {
	db, err := sql.Open("sqlite", fileURL(file, "mode=rw&_pragma=busy_timeout(5000)"))
	if err != nil {
		return err
	}
	all, err := checkpoint(ctx, db, "TRUNCATE")
	if err == nil && !all {
		err = errLogHeld
	}
	return errors.Join(err, db.Close())
}

func removeLog(file string) error {
	return errors.Join(removeThere(file+"-wal"), removeThere(file+"-shm"))
}

// removeThere removes a file, if it is there.
func removeThere(file string) error {
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// explainFile returns an error that says so where a disk is full.
func explainFile(err error) error {
	var lite *sqlite.Error
	if errors.Is(err, syscall.ENOSPC) || errors.As(err, &lite) && lite.Code()&0xff == 13 { // SQLITE_FULL
		return fmt.Errorf("the disk is full: %w", err)
	}
	return err
}

func fileURL(file, settings string) string {
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: file}).EscapedPath(), RawQuery: settings}).String()
}

func syncFolder(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
