package store

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
)

// walSizeMax is how large the write-ahead log may stay, in bytes: four times what SQLite lets it grow to before it
// copies it to the database file, unless a reader holds it up. A log that such a reader made large is cut to this by
// the first write that finds it copied.
const walSizeMax = 16 << 20

// writeAheadLog is a SQLite file's log, beside it.
type writeAheadLog struct {
	db   *sql.DB // with a busy timeout of zero
	file string
}

// shrink copies a large log to the database file and empties it, where nobody writes to do so. It gives way to
// readers and writers: the next call may come further. Nil has no log.
func (w *writeAheadLog) shrink(ctx context.Context) error {
	if w == nil {
		return nil
	}
	switch log, err := os.Stat(w.file); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case log.Size() <= walSizeMax:
		return nil
	}
	// The first copies, beside readers and writers; the second, which keeps writers out, finds little left to copy.
	for _, mode := range []string{"PASSIVE", "TRUNCATE"} {
		if all, err := checkpoint(ctx, w.db, mode); err != nil || !all {
			return err
		}
	}
	return nil
}

// checkpoint copies a database's log to its file, and reports whether it has all of it: not where a writer is active,
// or a reader still needs the log.
func checkpoint(ctx context.Context, db *sql.DB, mode string) (all bool, err error) {
	var blocked, pages, copied int64
	err = db.QueryRowContext(ctx, "PRAGMA wal_checkpoint("+mode+")").Scan(&blocked, &pages, &copied)
	if meaningOf(err) == busy {
		return false, nil
	}
	return err == nil && blocked == 0 && copied >= pages, err
}
