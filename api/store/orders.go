package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/woodytoys/woodytoys/api/shop"
)

// orderColumns are what scanOrder reads.
const orderColumns = "o.order_id, o.status, o.product, o.version, o.woody_items, o.woody_owner"

// scanOrder reads a row of orderColumns.
func scanOrder(scan func(dest ...any) error, o *shop.Order) error {
	var items string
	if err := scan(&o.ID, &o.Status, &o.Product, &o.Version, &items, &o.Owner); err != nil {
		return err
	}
	var err error
	o.Items, err = parseItems(items)
	return err
}

// readOrder reads one row of orderColumns; it returns sql.ErrNoRows when there is none.
func readOrder(ctx context.Context, by read, query string, args ...any) (o shop.Order, err error) {
	var items string
	err = row(ctx, by, query, args, &o.ID, &o.Status, &o.Product, &o.Version, &items, &o.Owner)
	if err == nil {
		o.Items, err = parseItems(items)
	}
	return o, err
}

// foundOrder is an order, or why its row cannot be read, which is nothing to those who read others with it.
type foundOrder struct {
	shop.Order
	err error
}

// Order implements shop.Store.
func (s *Store) Order(ctx context.Context, id string) (shop.Order, error) {
	o, err := s.orders.read(ctx, id)
	if errors.Is(err, sql.ErrNoRows) {
		return shop.Order{}, shop.NoOrder(id)
	}
	return o.Order, errors.Join(err, o.err)
}

// orderRows reads orders by their ids. Somebody may have changed the table's collation: what is found may have an id
// that was not asked for.
func orderRows(ctx context.Context, r *reading, ids []any, found func(string, foundOrder)) error {
	query := "SELECT " + orderColumns + " FROM `order` o WHERE o.order_id IN (" + marks(len(ids), "?") + ")"
	return r.rows(ctx, query, ids, func(scan func(...any) error) error {
		var o foundOrder
		err := scanOrder(scan, &o.Order)
		if errors.Is(err, errItems) {
			o.err, err = err, nil
		}
		found(o.ID, o)
		return err
	})
}

// OrderByKey implements shop.Store.
func (s *Store) OrderByKey(ctx context.Context, key string) (shop.Order, error) {
	const query = "SELECT " + orderColumns + " FROM order_key k " +
		"JOIN `order` o ON o.order_id = k.order_id WHERE k.idempotency_key = ?"
	o, err := readOrder(ctx, s.reads.behind().read, query, key)
	if errors.Is(err, sql.ErrNoRows) {
		return shop.Order{}, notFound("order with the key", key)
	}
	if err == nil {
		err = s.resettle(ctx, takenTags(o))
	}
	return o, err
}

// AddOrder implements shop.Store. Of two calls with one key at the same time, the unique key lets
// one through; the other rolls back and returns what the first one stored.
func (s *Store) AddOrder(ctx context.Context, order shop.Order, key string) (shop.Order, error) {
	if len(order.Items) > 0 {
		return s.reserve(ctx, order, key)
	}
	origin := shop.OriginOf(ctx).String() // the transaction's context may outlive the request, and has not its values
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
		_, err := tx.ExecContext(ctx, "INSERT INTO `order` (order_id, status, product, created_us, woody_origin, "+
			"woody_owner) VALUES (?, ?, ?, "+s.now+", ?, ?)",
			order.ID, order.Status, order.Product, origin, order.Owner)
		return []string{shop.OrderTag(order.ID)}, err
	})
	if errors.Is(err, errKeyUsed) {
		return s.OrderByKey(ctx, key)
	}
	return order, err
}

// ClaimOrders implements shop.Store. At READ COMMITTED the search locks the rows that it takes
// and no gaps between them, so that new orders need not wait for it. An order whose items cannot be read is held with
// the others, so that it does not stand before them, and left as it is.
func (s *Store) ClaimOrders(ctx context.Context, n int, lease time.Duration) ([]shop.Claim, error) {
	var claims []shop.Claim
	token := uuid.NewString()
	s.claimedFor.Store(lease.Microseconds())
	err := s.background.tx(ctx, sql.LevelReadCommitted, func(ctx context.Context, tx *sql.Tx) error {
		var err error
		if claims, err = s.unclaimed(ctx, tx, n, lease, token); err != nil || len(claims) == 0 {
			return err
		}
		for _, claim := range []string{token, ""} {
			args := []any{claim, lease.Microseconds()}
			for _, c := range claims {
				if c.Token == claim {
					args = append(args, c.OrderID)
				}
			}
			if len(args) == 2 {
				continue
			}
			_, err = tx.ExecContext(ctx, "UPDATE `order` SET claim = ?, claimed_until_us = "+s.now+
				" + ? WHERE order_id IN ("+marks(len(args)-2, "?")+")", args...)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.claimed.Add(int64(len(claims)))
	return slices.DeleteFunc(claims, func(claim shop.Claim) bool { return claim.Token == "" }), nil
}

// oldestOf is of how many orders that are claimed one is the oldest of all.
const oldestOf = 4

// unclaimed returns up to n pending orders that nobody holds, locked until the transaction ends; without a token those
// whose items cannot be read.
//
// Orders that have reserved something come first, in the order in which their reservations end: behind a queue of
// orders that have not, which anybody can make as long as he likes, all of them would lapse. Each fourth order is the
// oldest of all, so that the others do not wait for ever either. Nobody hurries for a reservation that may end before
// its order is validated: behind a queue of those, all would be validated too late.
func (s *Store) unclaimed(
	ctx context.Context, tx *sql.Tx, n int, lease time.Duration, token string,
) (claims []shop.Claim, err error) {
	before := s.claimed.Load()
	oldest := (before+int64(n))/oldestOf - before/oldestOf
	spare := max(min(lease, s.reserveFor/2), 0).Microseconds()
	claims, err = s.pick(ctx, tx, token, s.byReserved, s.reserved(), []any{spare}, n-int(oldest))
	if err != nil || len(claims) == n {
		return claims, err
	}
	rest, args := s.oldest(claims)
	others, err := s.pick(ctx, tx, token, "", rest, args, n-len(claims))
	return append(claims, others...), err
}

// reserved ends a query for orders whose reservation lasts for so many microseconds still. That it is above zero has an
// index pass over those that have none: it cannot be searched by the time.
func (s *Store) reserved() string {
	return " AND woody_reserved_until_us > 0 AND woody_reserved_until_us >= " + s.now + " + ?" +
		" ORDER BY woody_reserved_until_us LIMIT ? "
}

// oldest ends a query for the oldest orders but those that have just been claimed, and returns what that takes.
func (s *Store) oldest(but []shop.Claim) (end string, args []any) {
	if len(but) > 0 {
		end = " AND order_id NOT IN (" + marks(len(but), "?") + ")"
	}
	for _, claim := range but {
		args = append(args, claim.OrderID)
	}
	return s.notOver() + end + " ORDER BY claimed_until_us, created_us LIMIT ? ", args
}

// pickQuery returns a query for pending orders that nobody holds.
func (s *Store) pickQuery(hint, end string) string {
	return "SELECT order_id, product, woody_origin, woody_items FROM `order` " + hint +
		" WHERE status = 'Pending' AND claimed_until_us < " + s.now + end + s.skipLocked
}

// pick returns up to n orders, by a hint about indexes and what ends their query.
func (s *Store) pick(
	ctx context.Context, tx *sql.Tx, token, hint, end string, args []any, n int,
) (claims []shop.Claim, err error) {
	if n <= 0 {
		return nil, nil
	}
	rows, err := tx.QueryContext(ctx, s.pickQuery(hint, end), append(args, n)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		claim := shop.Claim{Token: token}
		var origin, items string
		if err := rows.Scan(&claim.OrderID, &claim.Product, &origin, &items); err != nil {
			return nil, err
		}
		if claim.Items, err = parseItems(items); err != nil {
			s.log.Error("an order is not validated", "order", claim.OrderID, "err", err)
			claim.Token = ""
		}
		claim.Origin = shop.ParseOrigin(origin)
		claims = append(claims, claim)
	}
	return claims, rows.Err()
}

// notOver is the condition of an order that has reserved nothing, or whose reservation lasts.
func (s *Store) notOver() string {
	return " AND (woody_reserved_until_us = 0 OR woody_reserved_until_us >= " + s.now + ")"
}

// FinishOrder implements shop.Store.
func (s *Store) FinishOrder(ctx context.Context, claim shop.Claim, end shop.Status) (held bool, err error) {
	err = s.change(ctx, s.background, func(ctx context.Context, tx *sql.Tx) ([]string, error) {
		end, items, tags := end, claim.Items, []string{shop.OrderTag(claim.OrderID)}
		if end == shop.Success && len(items) == 0 {
			late, err := s.takeLate(ctx, tx, claim)
			switch {
			case shop.KindOf(err) == shop.SoldOut:
				end = shop.Failed
			case err != nil:
				return nil, err
			case late != nil:
				items, tags = late, append(tags, shop.SoldTags(late[0].Product)...)
			}
		}
		done, err := tx.ExecContext(ctx, "UPDATE `order` SET status = ?, version = version + 1, claim = '', "+
			"woody_items = ? WHERE order_id = ? AND claim = ? AND status = 'Pending'"+s.notOver(),
			end, itemsText(items), claim.OrderID, claim.Token)
		if err != nil {
			return nil, err
		}
		n, err := done.RowsAffected()
		if err != nil {
			return nil, err
		}
		if held = n == 1; !held {
			return nil, errNotHeld
		}
		if end == shop.Failed {
			returned, err := returnItems(ctx, tx, claim.Items)
			return append(tags, returned...), err
		}
		return tags, nil
	})
	if errors.Is(err, errNotHeld) {
		return false, nil
	}
	return held && err == nil, err
}

// errNotHeld is returned, and the transaction rolled back, when another has ended the order, or its reservation is
// over.
var errNotHeld = &shop.Error{Kind: shop.Ended, Detail: "The order is not held by this claim any more."}

// takeLate takes one of an order's product where that is counted, and the order was made while it was not, or was not
// there yet. It returns no items where the product is not counted, and SoldOut where nothing is left.
func (s *Store) takeLate(ctx context.Context, tx *sql.Tx, claim shop.Claim) ([]shop.Item, error) {
	var p shop.Product
	const query = "SELECT " + productColumns + " FROM product WHERE name = ? ORDER BY id LIMIT 1"
	err := scanProduct(tx.QueryRowContext(ctx, query, claim.Product).Scan, &p)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !p.Stock.Limited {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	products, err := s.lockProducts(ctx, tx, []int64{p.ID})
	if err != nil {
		return nil, err
	}
	items := []shop.Item{{Product: p.ID, Quantity: 1}}
	if err := shop.TakeAll(items, products); err != nil || items[0].Taken == 0 {
		return nil, err
	}
	return items, takeStock(ctx, tx, p.ID, 1)
}

// claimSlack is how much longer than this replica's claims one may last before the clock must have been set back since
// it was made: those of another release may be longer.
const claimSlack = time.Hour

// shortenClaims has claims that would last for longer than any is made for last as long as a new one: nobody else could
// claim their orders until then, though the worker may be dead.
func (s *Store) shortenClaims(ctx context.Context) error {
	lease := s.claimedFor.Load()
	if lease == 0 {
		return nil // no worker has claimed anything here
	}
	return s.background.tx(ctx, sql.LevelReadCommitted, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE `order` SET claimed_until_us = "+s.began+" + ? "+
			"WHERE status = 'Pending' AND claimed_until_us > "+s.began+" + ?", lease, lease+claimSlack.Microseconds())
		return err
	})
}

// dropLapsed has orders whose claim has lapsed wait where they did before: the oldest of those that nobody has claimed.
// As long as they have its time they come after all that were never claimed, new ones too. Their worker, if it is only
// late, may end them still: the claim itself stays until the next one. Those that cannot be read, which are held
// without a claim, stay behind.
func (s *Store) dropLapsed(ctx context.Context) error {
	return s.background.tx(ctx, sql.LevelReadCommitted, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE `order` SET claimed_until_us = 0 WHERE "+s.lapsed())
		return err
	})
}

// lapsed is the condition of an order whose claim has lapsed, in the order of an index.
func (s *Store) lapsed() string {
	return "status = 'Pending' AND claimed_until_us BETWEEN 1 AND " + s.began + " - 1 AND claim <> ''"
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
