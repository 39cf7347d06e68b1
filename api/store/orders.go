package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/woodytoys/woodytoys/api/shop"
)

// Order implements shop.Store.
func (s *Store) Order(ctx context.Context, id string) (shop.Order, error) {
	var o shop.Order
	const query = "SELECT order_id, status, product, version FROM `order` WHERE order_id = ?"
	err := s.reads.row(ctx, query, []any{id}, &o.ID, &o.Status, &o.Product, &o.Version)
	if errors.Is(err, sql.ErrNoRows) || err == nil && o.ID != id { // somebody may have changed the table's collation
		return shop.Order{}, notFound("order", id)
	}
	return o, err
}

// OrderByKey implements shop.Store.
func (s *Store) OrderByKey(ctx context.Context, key string) (shop.Order, error) {
	var o shop.Order
	const query = "SELECT o.order_id, o.status, o.product, o.version FROM order_key k " +
		"JOIN `order` o ON o.order_id = k.order_id WHERE k.idempotency_key = ?"
	err := s.reads.behind().row(ctx, query, []any{key}, &o.ID, &o.Status, &o.Product, &o.Version)
	if errors.Is(err, sql.ErrNoRows) {
		return shop.Order{}, notFound("order with the key", key)
	}
	if err == nil {
		err = s.resettle(ctx, []string{shop.OrderTag(o.ID)})
	}
	return o, err
}

// AddOrder implements shop.Store. Of two calls with one key at the same time, the unique key lets
// one through; the other rolls back and returns what the first one stored.
func (s *Store) AddOrder(ctx context.Context, order shop.Order, key string) (shop.Order, error) {
	err := s.change(ctx, s.writes, func(ctx context.Context, tx *sql.Tx) ([]string, error) {
		if key != "" {
			_, err := tx.ExecContext(ctx,
				"INSERT INTO order_key (idempotency_key, order_id, created_us) VALUES (?, ?, "+s.now+")", key, order.ID)
			if meaningOf(err) == duplicate {
				return nil, errKeyUsed
			}
			if err != nil {
				return nil, err
			}
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO `order` (order_id, status, product, created_us, woody_origin) "+
			"VALUES (?, ?, ?, "+s.now+", ?)", order.ID, order.Status, order.Product, shop.OriginOf(ctx).String())
		return []string{shop.OrderTag(order.ID)}, err
	})
	if errors.Is(err, errKeyUsed) {
		return s.OrderByKey(ctx, key)
	}
	return order, err
}

// ClaimOrders implements shop.Store. At READ COMMITTED the search locks the rows that it takes
// and no gaps between them, so that new orders need not wait for it.
func (s *Store) ClaimOrders(ctx context.Context, n int, lease time.Duration) ([]shop.Claim, error) {
	var claims []shop.Claim
	token := uuid.NewString()
	err := s.background.tx(ctx, sql.LevelReadCommitted, func(ctx context.Context, tx *sql.Tx) error {
		var err error
		if claims, err = s.unclaimed(ctx, tx, n, token); err != nil || len(claims) == 0 {
			return err
		}
		args := []any{token, lease.Microseconds()}
		for _, claim := range claims {
			args = append(args, claim.OrderID)
		}
		marks := strings.Repeat(", ?", len(claims))[2:]
		_, err = tx.ExecContext(ctx,
			"UPDATE `order` SET claim = ?, claimed_until_us = "+s.now+" + ? WHERE order_id IN ("+marks+")", args...)
		return err
	})
	if err != nil {
		return nil, err
	}
	return claims, nil
}

// unclaimed returns up to n pending orders that nobody holds, locked until the transaction ends.
func (s *Store) unclaimed(ctx context.Context, tx *sql.Tx, n int, token string) ([]shop.Claim, error) {
	rows, err := tx.QueryContext(ctx, "SELECT order_id, product, woody_origin FROM `order` "+
		"WHERE status = 'Pending' AND claimed_until_us < "+s.now+
		" ORDER BY claimed_until_us, created_us LIMIT ? "+s.skipLocked, n)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var claims []shop.Claim
	for rows.Next() {
		claim := shop.Claim{Token: token}
		var origin string
		if err := rows.Scan(&claim.OrderID, &claim.Product, &origin); err != nil {
			return nil, err
		}
		claim.Origin = shop.ParseOrigin(origin)
		claims = append(claims, claim)
	}
	return claims, rows.Err()
}

// FinishOrder implements shop.Store.
func (s *Store) FinishOrder(ctx context.Context, claim shop.Claim, end shop.Status) (held bool, err error) {
	err = s.change(ctx, s.background, func(ctx context.Context, tx *sql.Tx) ([]string, error) {
		done, err := tx.ExecContext(ctx, "UPDATE `order` SET status = ?, version = version + 1, claim = '' "+
			"WHERE order_id = ? AND claim = ? AND status = 'Pending'", end, claim.OrderID, claim.Token)
		if err != nil {
			return nil, err
		}
		n, err := done.RowsAffected()
		if held = n == 1; !held {
			return nil, err
		}
		return []string{shop.OrderTag(claim.OrderID)}, err
	})
	return held && err == nil, err
}

// ReleaseOrder implements shop.Store.
func (s *Store) ReleaseOrder(ctx context.Context, claim shop.Claim) error {
	return s.background.tx(ctx, sql.LevelDefault, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE `order` SET claimed_until_us = 0, claim = '' "+
			"WHERE order_id = ? AND claim = ? AND status = 'Pending'", claim.OrderID, claim.Token)
		return err
	})
}

// Backlog implements shop.Store.
func (s *Store) Backlog(ctx context.Context) (shop.Backlog, error) {
	var backlog shop.Backlog
	var ageUs sql.NullInt64
	ctx = shop.AcceptReadOnly(ctx, func() {}) // the caller only looks at it, and it is not cached
	err := s.watch.row(ctx,
		"SELECT COUNT(*), "+s.now+" - MIN(NULLIF(created_us, 0)) FROM `order` WHERE status = 'Pending'",
		nil, &backlog.Pending, &ageUs)
	backlog.Oldest = time.Duration(max(ageUs.Int64, 0)) * time.Microsecond
	return backlog, err
}
