package store

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/woodytoys/woodytoys/api/shop"
)

// room is whether the database has room for what is written: a write that finds none notes it, and from then on the
// database is tried now and then, so that it is known to have room again without a caller's help.
type room struct {
	mu   sync.Mutex
	none error     // the error of the last write that found no room; nil while there is room
	at   time.Time // when that write failed
}

// roomAgain is how long no write may have met a full database before it is tried whether there is room.
const roomAgain = 2 * time.Second

// note remembers a write's error if it is of a full database. Others' success proves little: they may have needed less.
func (r *room) note(err error) {
	if meaningOf(err) != full {
		return
	}
	failure, known := failures[full], (*shop.Error)(nil)
	if failure.Err = err; errors.As(err, &known) {
		failure.Err = known.Err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.none, r.at = &failure, time.Now()
}

// missing returns what the last write met that found no room, or nil when none has or try, which is to write something,
// finds it again.
func (r *room) missing(try func() error) error {
	r.mu.Lock()
	none, at := r.none, r.at
	r.mu.Unlock()
	if none == nil || time.Since(at) < roomAgain {
		return none
	}
	err := try()
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err != nil:
		r.at = time.Now()
	case r.at.Equal(at): // no other write has failed meanwhile
		r.none = nil
	}
	return r.none
}

// roomNeeded is more than a transaction of this package writes to a file at once, in bytes.
const roomNeeded = 256 << 10

// tryFileRoom writes a file of that size beside SQLite's, and removes it.
func tryFileRoom(_ context.Context, s *Store) error {
	name := filepath.Join(filepath.Dir(s.wal.file), "woody.room")
	defer os.Remove(name)
	return os.WriteFile(name, make([]byte, roomNeeded), 0o600)
}

// tryTableRoom adds a product and takes it back.
func tryTableRoom(ctx context.Context, s *Store) error {
	err := s.background.run(ctx, func(ctx context.Context, conn held) error {
		return once(ctx, conn.Conn, sql.LevelReadCommitted, func(ctx context.Context, tx *sql.Tx) error {
			if _, err := insertProduct(ctx, tx, shop.Product{Name: strings.Repeat("-", shop.NameMax)}); err != nil {
				return err
			}
			return errTakenBack
		})
	})
	if errors.Is(err, errTakenBack) {
		return nil
	}
	return err
}

var errTakenBack = errors.New("nothing was to be added")
