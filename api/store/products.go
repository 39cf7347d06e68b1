package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/api/slots"
)

// Product implements shop.Store.
func (s *Store) Product(ctx context.Context, id int64) (shop.Product, error) {
	p, err := s.products.read(ctx, id)
	if errors.Is(err, sql.ErrNoRows) {
		return shop.Product{}, notFound("product", id)
	}
	return p, err
}

// readProduct reads one row of productColumns; it returns sql.ErrNoRows when there is none.
func readProduct(ctx context.Context, by read, query string, args ...any) (p shop.Product, err error) {
	err = scanProduct(func(dest ...any) error { return row(ctx, by, query, args, dest...) }, &p)
	return p, err
}

// productRows reads products by their ids.
func productRows(ctx context.Context, r *reading, ids []any, found func(int64, shop.Product)) error {
	query := "SELECT " + productColumns + " FROM product WHERE id IN (" + marks(len(ids), "?") + ")"
	return r.rows(ctx, query, ids, func(scan func(...any) error) error {
		var p shop.Product
		err := scanProduct(scan, &p)
		found(p.ID, p)
		return err
	})
}

// Products implements shop.Store. Products that come while a caller walks have higher ids than
// the page it is on, so the walk neither meets nor is moved by them.
func (s *Store) Products(ctx context.Context, before int64, limit int) ([]shop.Product, error) {
	if before <= 0 {
		before = 1<<63 - 1
	}
	products := make([]shop.Product, 0, limit)
	err := s.reads.read(ctx, func(ctx context.Context, r *reading) error {
		const page = "SELECT " + productColumns + " FROM product WHERE id < ? ORDER BY id DESC LIMIT ?"
		products = products[:0]
		return r.rows(ctx, page, []any{before, limit}, func(scan func(...any) error) error {
			var p shop.Product
			err := scanProduct(scan, &p)
			products = append(products, p)
			return err
		})
	})
	return products, err
}

// Last implements shop.Store. One statement reads both the count and the product, so that they
// are of the same moment.
func (s *Store) Last(ctx context.Context) (shop.Last, error) {
	if s.slowQuery > 0 && (shop.WantsPrimary(ctx) || shop.IsApart(ctx)) {
		if err := s.acquireApart(ctx); err != nil {
			return shop.Last{}, err
		}
		defer s.apart.Release()
	}
	const query = `SELECT t.n, p.id, p.name, p.version, p.woody_stock, p.woody_price, p.woody_currency
		FROM (SELECT COALESCE(SUM(n), 0) AS n FROM product_tally) t
		LEFT JOIN product p ON p.id = (SELECT MAX(id) FROM product)`
	var last shop.Last
	var id, version, stock, price sql.NullInt64
	var name, currency sql.NullString
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
		return r.row(ctx, query, nil, &last.Count, &id, &name, &version, &stock, &price, &currency)
	}
	if err := s.reads.readFor(ctx, s.slowQuery, read); err != nil {
		return shop.Last{}, err
	}
	if id.Valid {
		last.Product = &shop.Product{ID: id.Int64, Name: name.String, Version: version.Int64}
		last.Product.Stock, last.Product.Price = termsOf(stock, price, currency.String)
	}
	return last, nil
}

// apartPart is the part of a pool's connections, one at least, that slow queries may hold which nobody shares. A read
// past the cache is one: anybody may ask for as many as he likes, each for himself, where writes are made or sessions
// looked up. Of those that a cache makes there is one for each form of the answer; without a cache, how many
// connections slow queries leave to the others is what the lab measures.
const apartPart = 4

func (s *Store) acquireApart(ctx context.Context) error {
	err := s.apart.Acquire(ctx)
	if errors.Is(err, slots.ErrBusy) {
		return &shop.Error{
			Kind: shop.Busy, Err: err, RetryAfter: max(s.slowQuery, time.Second),
			Detail: "This replica reads the last product past the cache for others; try again later, or ask the cache.",
		}
	}
	return err
}

// ProductNamed implements shop.Store.
func (s *Store) ProductNamed(ctx context.Context, name string) (shop.Product, error) {
	const query = "SELECT " + productColumns + " FROM product WHERE name = ? ORDER BY id LIMIT 1"
	p, err := readProduct(ctx, s.reads.behind().read, query, name)
	if errors.Is(err, sql.ErrNoRows) {
		return shop.Product{}, notFound("product with the name", name)
	}
	return p, err
}

// IsSold implements shop.Store.
func (s *Store) IsSold(ctx context.Context, claim shop.Claim) (bool, error) {
	var has bool
	if len(claim.Items) == 0 {
		err := s.watch.row(ctx, "SELECT EXISTS (SELECT 1 FROM product WHERE name = ?)", []any{claim.Product}, &has)
		return has, err
	}
	args := []any{len(claim.Items)}
	for _, item := range claim.Items {
		args = append(args, item.Product)
	}
	const query = "SELECT COUNT(*) = ? FROM product WHERE id IN ("
	err := s.watch.row(ctx, query+marks(len(claim.Items), "?")+")", args, &has)
	return has, err
}

// ChangeProduct implements shop.Store.
func (s *Store) ChangeProduct(
	ctx context.Context, id int64, change shop.Change, allow shop.Condition,
) (p shop.Product, err error) {
	err = s.change(ctx, s.writes, func(ctx context.Context, tx *sql.Tx) ([]string, error) {
		current, err := hold(ctx, tx, s.dialect, id, allow)
		if err != nil {
			return nil, err
		}
		p = change.Of(current)
		args := append([]any{p.Name, p.Version}, termsArgs(p.Stock, p.Price)...)
		_, err = tx.ExecContext(ctx, "UPDATE product SET name = ?, version = ?, woody_stock = ?, woody_price = ?, "+
			"woody_currency = ? WHERE id = ?", append(args, id)...)
		return shop.ChangedTags(id), err
	})
	return p, err
}

// RenameProduct gives a product another name.
func (s *Store) RenameProduct(ctx context.Context, id int64, name string, allow shop.Condition) (shop.Product, error) {
	return s.ChangeProduct(ctx, id, shop.Change{Name: name}, allow)
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
	query := "SELECT " + productColumns + " FROM product WHERE id = ?"
	if d.skipLocked != "" { // SQLite's one writer needs no lock
		query += " FOR UPDATE"
	}
	current := &shop.Product{}
	err := scanProduct(tx.QueryRowContext(ctx, query, id).Scan, current)
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
