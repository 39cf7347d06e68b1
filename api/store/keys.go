package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/woodytoys/woodytoys/api/shop"
)

// Idempotency keys are kept beside what they made, written in its transaction. Each kind of thing has a table of its
// own: a key that made an order may be used for a product.

// keysTTL is how long an idempotency key is remembered.
const keysTTL = 24 * time.Hour

var errKeyUsed = &shop.Error{Kind: shop.KeyReused, Detail: "This Idempotency-Key was used before."}

// ProductByKey implements shop.Store.
func (s *Store) ProductByKey(ctx context.Context, key string) (shop.Product, error) {
	const query = "SELECT product_id, name, 1, woody_stock, woody_price, woody_currency FROM product_key " +
		"WHERE idempotency_key = ?"
	p, err := readProduct(ctx, s.reads.behind().read, query, key)
	if errors.Is(err, sql.ErrNoRows) {
		return shop.Product{}, notFound("product with the key", key)
	}
	if err == nil {
		err = s.resettle(ctx, shop.AddedTags(p.ID))
	}
	return p, err
}

// resettle settles a write once more, before it is acknowledged to one who repeats it: whoever made it
// may not have heard that it was committed, or its invalidation may still be under way.
func (s *Store) resettle(ctx context.Context, tags []string) error {
	return stored(s.change(ctx, s.writes, func(context.Context, *sql.Tx) ([]string, error) { return tags, nil }))
}

// stored returns an error about a write that was stored before: where there is no room for the record of its
// invalidation, that is not everywhere.
func stored(err error) error {
	if shop.KindOf(err) == shop.Full {
		return &shop.Error{Kind: shop.Uncertain, Err: err, Detail: shop.NotEverywhere}
	}
	return err
}

// keepProductKey notes which product a key has made. Where the key was used before it takes the product back, which
// nobody has seen yet, and returns errKeyUsed.
func (s *Store) keepProductKey(ctx context.Context, tx *sql.Tx, key string, p shop.Product) error {
	const insert = "INSERT INTO product_key " +
		"(idempotency_key, product_id, name, woody_stock, woody_price, woody_currency, created_us) " +
		"VALUES (?, ?, ?, ?, ?, ?, "
	args := append([]any{key, p.ID, p.Name}, termsArgs(p.Stock, p.Price)...)
	_, err := tx.ExecContext(ctx, insert+s.now+")", args...)
	if meaningOf(err) != duplicate {
		return err
	}
	if _, err := tx.ExecContext(ctx, "DELETE FROM product WHERE id = ?", p.ID); err != nil {
		return err
	}
	return errKeyUsed
}

func (s *Store) forgetKeys(ctx context.Context) error {
	return errors.Join(s.forget(ctx, "order_key", "created_us", keysTTL),
		s.forget(ctx, "product_key", "created_us", keysTTL))
}
