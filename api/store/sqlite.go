package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// openSQLite opens DataDir/woody.db. SQLite takes one writer at a time, so writes have a pool of
// one connection and reads, which the write-ahead log never blocks, have their own.
func openSQLite(cfg Config) (*Store, error) {
	if err := makeFolder(cfg.DataDir); err != nil {
		return nil, err
	}
	lock := flock.New(filepath.Join(cfg.DataDir, "woody.lock"))
	switch got, err := lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("lock the data folder: %w", err)
	case !got:
		return nil, fmt.Errorf("the database file %s is taken by another running shop",
			filepath.Join(cfg.DataDir, "woody.db"))
	}
	if err := makeFile(cfg); err != nil {
		lock.Unlock()
		return nil, err
	}
	closers := []func() error{lock.Unlock}
	var dbs []*sql.DB
	const waits = "_pragma=busy_timeout(5000)"
	const reader = waits + "&_pragma=query_only(1)"
	for _, settings := range []string{waits + "&_txlock=immediate", reader, reader, ""} {
		db, err := openFile(sqliteDSN(cfg, settings), cfg.Follow)
		if err != nil {
			lock.Unlock()
			return nil, err
		}
		dbs, closers = append(dbs, db), append([]func() error{db.Close}, closers...)
	}
	writes, reads, watch, upkeep := dbs[0], dbs[1], dbs[2], dbs[3]
	writer := newPool(writes, 1, cfg.Wait, cfg.Timeout)
	s := &Store{
		dialect: sqliteDialect, slowQuery: cfg.SlowQuery, wait: cfg.Wait, journal: cfg.Journal, log: cfg.Logger,
		reads: &readers{pool: newPool(reads, cfg.Pool, cfg.Wait, cfg.Timeout)}, writes: writer,
		background: writer, watch: newPool(watch, 1, cfg.Wait, cfg.Timeout), schema: writes,
		wal:     &writeAheadLog{db: upkeep, file: filepath.Join(cfg.DataDir, "woody.db-wal")},
		closers: closers,
	}
	if cfg.Audit {
		s.openAudit("", writer)
	}
	return s, nil
}

// makeFolder makes the data folder, where there is none, for its owner alone.
func makeFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	return nil
}

// makeFile makes the database's file, where there is none, for its owner alone: the hashes of passwords are in it.
// SQLite would have all read it, and gives a log the mode of its file. It is opened nowhere else than by SQLite: to
// close it would end this process' locks on it.
func makeFile(cfg Config) error {
	file := filepath.Join(cfg.DataDir, "woody.db")
	switch made, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600); {
	case err == nil:
		made.Close()
	case !errors.Is(err, fs.ErrExist):
		return fmt.Errorf("make the database file: %w", err)
	}
	if err := keepPrivate(file); err != nil {
		cfg.Logger.Warn("others than its owner may read the database", "err", err)
	}
	return nil
}

// keepPrivate has a database, and its log, be their owner's alone.
func keepPrivate(file string) error {
	var errs []error
	for _, end := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(file + end)
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			err = os.Chmod(file+end, info.Mode().Perm()&0o700)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// openFile opens connections to a file.
func openFile(dsn string, follow follow) (*sql.DB, error) {
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	return sql.OpenDB(followed(dsnConnector{db.Driver(), dsn}, follow)), nil
}

// dsnConnector opens connections with a driver and a data source name.
type dsnConnector struct {
	driver driver.Driver
	dsn    string
}

// Connect implements driver.Connector.
func (n dsnConnector) Connect(context.Context) (driver.Conn, error) {
	conn, err := n.driver.Open(n.dsn)
	if err != nil {
		return nil, err
	}
	return uninterrupted{conn.(fileConn)}, nil
}

// Driver implements driver.Connector.
func (n dsnConnector) Driver() driver.Driver { return n.driver }

// uninterrupted is a connection whose queries begin and end though their context ends meanwhile. The driver would
// interrupt them, and forget to close one that has just found its first row: what others read by that connection then
// is of that moment, however long ago that was, and the write-ahead log is kept from then on. Reading from a file takes
// no caller's patience, and database/sql closes the rows of a caller who left.
type uninterrupted struct{ fileConn }

// QueryContext implements driver.QueryerContext.
func (c uninterrupted) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return c.fileConn.QueryContext(context.WithoutCancel(ctx), query, args)
}

func sqliteDSN(cfg Config, extra string) string {
	sync := "normal"
	if cfg.Sync {
		sync = "full"
	}
	file := url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.Join(cfg.DataDir, "woody.db")}).EscapedPath()}
	const all = "_pragma=journal_mode(wal)&_pragma=synchronous(%s)&_pragma=journal_size_limit(%d)"
	return fmt.Sprintf("%s?"+all+"&%s", file.String(), sync, walSizeMax, extra)
}

var sqliteDialect = dialect{
	name:       "sqlite",
	now:        "CAST(unixepoch('subsec') * 1000000 AS INTEGER)",
	began:      "CAST(unixepoch('subsec') * 1000000 AS INTEGER)",
	orLock:     " ON CONFLICT (what) DO NOTHING",
	migrations: sqliteMigrations,
	// The data folder's lock is held already: one process, one migration. And whoever held a claim
	// is dead, so that its orders need not wait for the claim to lapse.
	locked: func(ctx context.Context, db *sql.DB, migrate func(conn *sql.Conn) error) error {
		conn, err := db.Conn(ctx)
		if err != nil {
			return err
		}
		defer conn.Close()
		if err := migrate(conn); err != nil {
			return err
		}
		_, err = conn.ExecContext(ctx, "UPDATE `order` SET claimed_until_us = 0, claim = '' WHERE claim != ''")
		return err
	},
	// SQLite has no way to sleep inside it; being inside the process, it is the same to wait here.
	sleep: func(ctx context.Context, _ *sql.Conn, d time.Duration) error {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	},
	tryRoom:     tryFileRoom,
	alreadyDone: func(error) bool { return false },
}
