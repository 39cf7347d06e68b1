package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/woodytoys/woodytoys/api/shop"
)

// Journal records every change to what a reader may see, so that caches can be kept right.
type Journal interface {
	// Record notes the tags of what a transaction changes, in that transaction. An error rolls the
	// change back.
	Record(ctx context.Context, tx *sql.Tx, tags []string) (record int64, err error)
	// Settle is called when the transaction has been committed, or may have been, and before the
	// change is acknowledged; record is what Record returned, or 0 when it is unknown whether the commit
	// went through. With an error the change is not acknowledged.
	// It is done on behalf of ctx, for who follows it, and must not end with ctx.
	Settle(ctx context.Context, record int64, tags []string) error
}

// noJournal is the Journal of a store without one.
type noJournal struct{}

func (noJournal) Record(context.Context, *sql.Tx, []string) (int64, error) { return 0, nil }
func (noJournal) Settle(context.Context, int64, []string) error            { return nil }

// change runs f in a transaction, as tx does, and settles the tags that f returns. A change that failed before its
// commit is not settled: it has not happened, and a database that is down must not empty the caches.
func (s *Store) change(ctx context.Context, p *pool,
	f func(ctx context.Context, tx *sql.Tx) (tags []string, err error)) error {
	return s.commit(ctx, p, f)()
}

// commit runs f in a transaction and returns settle, to be called before the write is acknowledged: it has the journal
// invalidate the tags that f returned, and returns the error of both. settle needs no connection, and may take long.
func (s *Store) commit(ctx context.Context, p *pool,
	f func(ctx context.Context, tx *sql.Tx) (tags []string, err error)) (settle func() error) {
	var tags []string
	var record int64
	committing := false
	err := p.tx(ctx, sql.LevelDefault, func(ctx context.Context, tx *sql.Tx) (err error) {
		committing = false
		if tags, err = f(ctx, tx); err != nil {
			return s.refusal(ctx, tx, err)
		}
		if len(tags) == 0 {
			return nil
		}
		record, err = s.journal.Record(ctx, tx, tags)
		committing = err == nil
		return err
	})
	if !committing || !settles {
		return func() error { return err }
	}
	if err != nil {
		// It may have been committed, or may be yet: its record is left to be carried out once it shows.
		record = 0
	}
	return func() error {
		if unsettled := s.journal.Settle(ctx, record, tags); unsettled != nil && err == nil {
			return &shop.Error{Kind: shop.Uncertain, Err: unsettled, Detail: shop.NotEverywhere}
		}
		return err
	}
}

// refusal returns the error of a change that is refused for what was read, or errReadOnly where that was read from a
// server that takes no writes: another one may allow it. The server is asked in the transaction, whose locks keep from
// it what others have written to another one: it cannot have been promoted since the reading.
func (s *Store) refusal(ctx context.Context, tx *sql.Tx, err error) error {
	var refused *shop.Error
	if !proves || !s.remote || !errors.As(err, &refused) {
		return err
	}
	var proved proof
	if err := tx.QueryRowContext(ctx, askFully).Scan(&proved); err != nil {
		return err
	}
	if !proved {
		return errReadOnly
	}
	return err
}
