package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/woodytoys/woodytoys/api/shop"
)

// Product implements shop.Store.
func (s *Store) Product(ctx context.Context, id int64) (shop.Product, error) {
	p := shop.Product{ID: id}
	err := s.reads.row(ctx, "SELECT name, version FROM product WHERE id = ?", []any{id}, &p.Name, &p.Version)
	if errors.Is(err, sql.ErrNoRows) {
		return shop.Product{}, notFound("product", id)
	}
	return p, err
}

// Products implements shop.Store. Products that come while a caller walks have higher ids than
// the page it is on, so the walk neither meets nor is moved by them.
func (s *Store) Products(ctx context.Context, before int64, limit int) ([]shop.Product, error) {
	if before <= 0 {
		before = 1<<63 - 1
	}
	products := make([]shop.Product, 0, limit)
	err := s.reads.read(ctx, func(ctx context.Context, r *reading) error {
		const page = "SELECT id, name, version FROM product WHERE id < ? ORDER BY id DESC LIMIT ?"
		products = products[:0]
		return r.rows(ctx, page, []any{before, limit}, func(scan func(...any) error) error {
			var p shop.Product
			err := scan(&p.ID, &p.Name, &p.Version)
			products = append(products, p)
			return err
		})
	})
	return products, err
}

// Last implements shop.Store. One statement reads both the count and the product, so that they
// are of the same moment.
func (s *Store) Last(ctx context.Context) (shop.Last, error) {
	const query = `SELECT t.n, p.id, p.name, p.version
		FROM (SELECT COALESCE(SUM(n), 0) AS n FROM product_tally) t
		LEFT JOIN product p ON p.id = (SELECT MAX(id) FROM product)`
	var last shop.Last
	var id, version sql.NullInt64
	var name sql.NullString
	var until time.Time // slept once in all, also if the query is retried on another server
	read := func(ctx context.Context, r *reading) error {
		if until.IsZero() {
			until = time.Now().Add(s.slowQuery)
		}
		if left := time.Until(until); left > 0 {
			if err := s.sleep(ctx, r.Conn, left); err != nil {
				return err
			}
		}
		last.At = time.Now()
		return r.row(ctx, query, nil, &last.Count, &id, &name, &version)
	}
	if err := s.reads.readFor(ctx, s.slowQuery, read); err != nil {
		return shop.Last{}, err
	}
	if id.Valid {
		last.Product = &shop.Product{ID: id.Int64, Name: name.String, Version: version.Int64}
	}
	return last, nil
}

// HasProduct implements shop.Store.
func (s *Store) HasProduct(ctx context.Context, name string) (bool, error) {
	return hasProduct(ctx, s.reads.behind(), name)
}

// IsSold implements shop.Store.
func (s *Store) IsSold(ctx context.Context, claim shop.Claim) (bool, error) {
	return hasProduct(ctx, s.watch, claim.Product)
}

func hasProduct(ctx context.Context, p *pool, name string) (bool, error) {
	var has bool
	err := p.row(ctx, "SELECT EXISTS (SELECT 1 FROM product WHERE name = ?)", []any{name}, &has)
	return has, err
}

// RenameProduct implements shop.Store.
func (s *Store) RenameProduct(ctx context.Context, id int64, name string, allow shop.Condition) (shop.Product, error) {
	p := shop.Product{ID: id, Name: name}
	err := s.change(ctx, s.writes, func(ctx context.Context, tx *sql.Tx) ([]string, error) {
		current, err := hold(ctx, tx, s.dialect, id, allow)
		if err != nil {
			return nil, err
		}
		p.Version = current.Version + 1
		_, err = tx.ExecContext(ctx, "UPDATE product SET name = ?, version = ? WHERE id = ?", name, p.Version, id)
		return shop.ChangedTags(id), err
	})
	return p, err
}

// DeleteProduct implements shop.Store.
func (s *Store) DeleteProduct(ctx context.Context, id int64, allow shop.Condition) error {
	return s.change(ctx, s.writes, func(ctx context.Context, tx *sql.Tx) ([]string, error) {
		if _, err := hold(ctx, tx, s.dialect, id, allow); err != nil {
			return nil, err
		}
		_, err := tx.ExecContext(ctx, "DELETE FROM product WHERE id = ?", id)
		return shop.ChangedTags(id), err
	})
}

// hold returns a product that a condition allows to be changed, its row locked until the transaction ends. Its error is
// the condition's, or NotFound.
func hold(ctx context.Context, tx *sql.Tx, d dialect, id int64, allow shop.Condition) (shop.Product, error) {
	query := "SELECT name, version FROM product WHERE id = ?"
	if d.skipLocked != "" { // SQLite's one writer needs no lock
		query += " FOR UPDATE"
	}
	current := &shop.Product{ID: id}
	err := tx.QueryRowContext(ctx, query, id).Scan(&current.Name, &current.Version)
	absent := errors.Is(err, sql.ErrNoRows)
	if err != nil && !absent {
		return shop.Product{}, err
	}
	if absent {
		current = nil
	}
	if allow != nil {
		if err := allow(current); err != nil {
			return shop.Product{}, err
		}
	}
	if absent {
		return shop.Product{}, notFound("product", id)
	}
	return *current, nil
}

// tallyRows is how many rows the tally may have before Upkeep folds them.
const tallyRows = 32

// foldTally adds the rows of connections to row 0. It passes over a row that a transaction is
// just counting in.
func (s *Store) foldTally(ctx context.Context) error {
	if s.skipLocked == "" {
		return nil // SQLite counts in row 0
	}
	return s.background.tx(ctx, sql.LevelReadCommitted, func(ctx context.Context, tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, "SELECT connection, n FROM product_tally WHERE connection > 0 "+s.skipLocked)
		if err != nil {
			return err
		}
		var sum int64
		var folded []int64
		for rows.Next() {
			var connection, n int64
			if err := rows.Scan(&connection, &n); err != nil {
				rows.Close()
				return err
			}
			sum += n
			folded = append(folded, connection)
		}
		if err := rows.Err(); err != nil || len(folded) <= tallyRows {
			return err
		}
		for _, connection := range folded {
			if _, err := tx.ExecContext(ctx, "DELETE FROM product_tally WHERE connection = ?", connection); err != nil {
				return err
			}
		}
		_, err = tx.ExecContext(ctx, "UPDATE product_tally SET n = n + ? WHERE connection = 0", sum)
		return err
	})
}
