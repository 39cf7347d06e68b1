package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// forgetGroup is how many rows are forgotten in one transaction, about: others wait for its locks, and SQLite has one
// writer.
const forgetGroup = 1000

// forgetOld removes what is too old to be of use, unless the clock is wrong that says so.
func (s *Store) forgetOld(ctx context.Context) error {
	if may, err := s.mayForget(ctx); err != nil || !may {
		return err
	}
	return errors.Join(s.forgetKeys(ctx), s.forgetProbes(ctx), s.forgetSessions(ctx), s.forgetTries(ctx),
		s.forgetUnused(ctx))
}

// forget removes the rows of a table whose time, in an indexed column, is longer ago than ttl, the oldest first.
func (s *Store) forget(ctx context.Context, table, column string, ttl time.Duration) error {
	for {
		more := false
		err := s.background.tx(ctx, sql.LevelReadCommitted, func(ctx context.Context, tx *sql.Tx) error {
			last, err := texts(ctx, tx, s.forgetUntil(table, column), ttl.Microseconds(), forgetGroup)
			if err != nil {
				return err
			}
			if more = len(last) > 0; more {
				_, err = tx.ExecContext(ctx, "DELETE FROM "+table+" WHERE "+column+" <= ?", last[0])
			} else {
				_, err = tx.ExecContext(ctx, "DELETE FROM "+table+" WHERE "+column+" < "+s.began+" - ?",
					ttl.Microseconds())
			}
			return err
		})
		if err != nil || !more {
			return err
		}
	}
}

// forgetUntil returns a query for the last of the first group to forget; there is none if a group is all.
func (s *Store) forgetUntil(table, column string) string {
	return "SELECT " + column + " FROM " + table + " WHERE " + column + " < " + s.began + " - ? ORDER BY " + column +
		" LIMIT 1 OFFSET ?"
}
