package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/woodytoys/woodytoys/api/shop"
)

// A reservation ends once: its order's row says how. Whoever ends it changes the row from Pending, and only who has
// changed it returns what the order took, in the same transaction. So of a worker, a buyer who cancels and a
// reservation that lapses at the same moment one is first, and the others find that the order has ended. Two nodes of a
// cluster that both believe to be first have written the same row: one of them is rolled back, and made again.

// CancelOrder implements shop.Store.
func (s *Store) CancelOrder(ctx context.Context, id string, allow func(shop.Order) error) (shop.Order, error) {
	var o shop.Order
	again := false
	err := s.change(ctx, s.writes, func(ctx context.Context, tx *sql.Tx) ([]string, error) {
		again = false
		query := "SELECT " + orderColumns + " FROM `order` o WHERE o.order_id = ?"
		if s.skipLocked != "" {
			query += " FOR UPDATE"
		}
		err := scanOrder(tx.QueryRowContext(ctx, query, id).Scan, &o)
		switch {
		case errors.Is(err, sql.ErrNoRows) || err == nil && o.ID != id:
			return nil, shop.NoOrder(id)
		case err != nil:
			return nil, err
		}
		if allow != nil {
			if err := allow(o); err != nil {
				return nil, err
			}
		}
		switch {
		case o.Status == shop.Cancelled: // by a call that may not have been acknowledged: settle it once more
			again = true
			return takenTags(o), nil
		case o.Status != shop.Pending:
			return nil, &shop.Error{Kind: shop.Ended, Detail: "The order has ended as " + string(o.Status) + "."}
		}
		o.Status = shop.Cancelled
		o.Version++
		_, err = tx.ExecContext(ctx, "UPDATE `order` SET status = ?, version = ?, claim = '' "+
			"WHERE order_id = ? AND status = 'Pending'", o.Status, o.Version, id)
		if err != nil {
			return nil, err
		}
		tags, err := returnItems(ctx, tx, o.Items)
		return append(tags, shop.OrderTag(id)), err
	})
	if again {
		err = stored(err)
	}
	return o, err
}

// takenTags returns what an order and the return of its items change.
func takenTags(o shop.Order) []string {
	tags := []string{shop.OrderTag(o.ID)}
	for _, item := range o.Items {
		tags = append(tags, shop.SoldTags(item.Product)...)
	}
	return tags
}

const (
	// lapseGroup is how many orders lapse in one transaction, with one invalidation.
	lapseGroup = 64
	// reserveSlack is how much longer than the store's reservations one may last before the clock must have been set
	// back since it was made.
	reserveSlack = time.Minute
)

// LapseOrders implements shop.Store. Where the database's clock was set back, reservations would last as much longer:
// one that would last longer than a new one lasts as long as that.
func (s *Store) LapseOrders(ctx context.Context) (lapsed int, err error) {
	ids, err := s.over(ctx)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	err = s.change(ctx, s.background, func(ctx context.Context, tx *sql.Tx) ([]string, error) {
		lapsed = 0
		var tags []string
		var returned []shop.Item
		for _, id := range ids {
			items, over, err := s.lapse(ctx, tx, id)
			if err != nil {
				return nil, err
			}
			if over {
				lapsed++
				tags, returned = append(tags, shop.OrderTag(id)), append(returned, items...)
			}
		}
		sold, err := returnItems(ctx, tx, returned)
		return append(tags, sold...), err
	})
	if err != nil {
		lapsed = 0
	}
	return lapsed, err
}

// over returns the orders of some reservations that are over, or last too long; by their ids, so that replicas who
// lapse the same ones take them in one order.
func (s *Store) over(ctx context.Context) (ids []string, err error) {
	ctx = shop.AcceptReadOnly(ctx, func() {}) // each is looked at once more, where it is written
	err = s.watch.read(ctx, func(ctx context.Context, r *reading) error {
		ids = ids[:0]
		note := func(scan func(dest ...any) error) error {
			var id string
			err := scan(&id)
			ids = append(ids, id)
			return err
		}
		if err := r.rows(ctx, s.reservedUntil("BETWEEN 1 AND "+s.began+" - 1"), []any{lapseGroup}, note); err != nil {
			return err
		}
		longest := (s.reserveFor + reserveSlack).Microseconds()
		return r.rows(ctx, s.reservedUntil("> "+s.began+" + ?"), []any{longest, lapseGroup}, note)
	})
	slices.Sort(ids)
	return ids, err
}

// reservedUntil returns a query for orders whose reservation ends at such times.
func (s *Store) reservedUntil(times string) string {
	return "SELECT order_id FROM `order` WHERE status = 'Pending' AND woody_reserved_until_us " + times + " LIMIT ?"
}

// lapse ends an order whose reservation is over, and returns its items; it shortens one that lasts too long.
func (s *Store) lapse(ctx context.Context, tx *sql.Tx, id string) (items []shop.Item, over bool, err error) {
	done, err := tx.ExecContext(ctx, "UPDATE `order` SET status = ?, version = version + 1, claim = '' "+
		"WHERE order_id = ? AND status = 'Pending' AND woody_reserved_until_us BETWEEN 1 AND "+s.now+" - 1",
		shop.Lapsed, id)
	if err != nil {
		return nil, false, err
	}
	if rows, err := done.RowsAffected(); err != nil || rows == 0 {
		longest := (s.reserveFor + reserveSlack).Microseconds()
		_, shorten := tx.ExecContext(ctx, "UPDATE `order` SET woody_reserved_until_us = "+s.now+" + ? "+
			"WHERE order_id = ? AND status = 'Pending' AND woody_reserved_until_us > "+s.now+" + ?",
			s.reserveFor.Microseconds(), id, longest)
		return nil, false, errors.Join(err, shorten)
	}
	var text string
	err = tx.QueryRowContext(ctx, "SELECT woody_items FROM `order` WHERE order_id = ?", id).Scan(&text)
	if err != nil {
		return nil, false, err
	}
	items, err = parseItems(text)
	if err != nil { // it ends with the others, and nobody knows what it has taken
		s.log.Error("an order lapsed and has returned nothing", "order", id, "err", err)
	}
	return items, true, nil
}
