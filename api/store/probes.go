package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/woodytoys/woodytoys/api/shop"
)

// Probe implements shop.Store.
func (s *Store) Probe(ctx context.Context, name string) (shop.Probe, error) {
	p := shop.Probe{Name: name}
	err := s.reads.row(ctx, "SELECT version FROM probe WHERE name = ?", []any{name}, &p.Version)
	if errors.Is(err, sql.ErrNoRows) {
		return p, nil
	}
	return p, err
}

// WriteProbe implements shop.Store. Like the writes of products, it records its tags in the journal, and settles them.
func (s *Store) WriteProbe(ctx context.Context, name string) (shop.Probe, error) {
	p := shop.Probe{Name: name}
	err := s.change(ctx, s.writes, func(ctx context.Context, tx *sql.Tx) ([]string, error) {
		if err := s.raiseProbe(ctx, tx, name); err != nil {
			return nil, err
		}
		err := tx.QueryRowContext(ctx, "SELECT version FROM probe WHERE name = ?", name).Scan(&p.Version)
		return []string{shop.ProbeTag(name)}, err
	})
	return p, err
}

// raiseProbe raises the version of a probe, or makes the probe. Another transaction may make it meanwhile; then it is
// raised after all.
func (s *Store) raiseProbe(ctx context.Context, tx *sql.Tx, name string) error {
	raised, err := s.raiseOldProbe(ctx, tx, name)
	if err != nil || raised {
		return err
	}
	var count int
	if err := tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM probe").Scan(&count); err != nil {
		return err
	}
	if count >= shop.ProbesMax {
		return &shop.Error{
			Kind: shop.Busy, RetryAfter: time.Minute,
			Detail: fmt.Sprintf("There are %d probes already; those that nobody writes go after %v.",
				count, shop.ProbesTTL),
		}
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO probe (name, version, written_us) VALUES (?, 1, "+s.now+")", name)
	if meaningOf(err) == duplicate {
		_, err = s.raiseOldProbe(ctx, tx, name)
	}
	return err
}

// raiseOldProbe raises the version of a probe, and reports whether there is one.
func (s *Store) raiseOldProbe(ctx context.Context, tx *sql.Tx, name string) (raised bool, err error) {
	raise := "UPDATE probe SET version = version + 1, written_us = " + s.now + " WHERE name = ?"
	result, err := tx.ExecContext(ctx, raise, name)
	if err != nil {
		return false, err
	}
	rows, err := result.RowsAffected()
	return rows > 0, err
}

// forgetProbes removes probes that nobody writes any more. They are invalidated in caches: whoever writes one of that
// name again begins with the first version.
func (s *Store) forgetProbes(ctx context.Context) error {
	return s.change(ctx, s.background, func(ctx context.Context, tx *sql.Tx) ([]string, error) {
		old := "written_us < " + s.now + " - ?"
		names, err := texts(ctx, tx, "SELECT name FROM probe WHERE "+old, shop.ProbesTTL.Microseconds())
		if err != nil {
			return nil, err
		}
		var tags []string
		for _, name := range names {
			const remove = "DELETE FROM probe WHERE name = ? AND "
			if _, err := tx.ExecContext(ctx, remove+old, name, shop.ProbesTTL.Microseconds()); err != nil {
				return nil, err
			}
			tags = append(tags, shop.ProbeTag(name))
		}
		return tags, nil
	})
}

// texts returns the one column of a query's rows.
func texts(ctx context.Context, tx *sql.Tx, query string, args ...any) (found []string, err error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		found = append(found, text)
	}
	return found, rows.Err()
}
