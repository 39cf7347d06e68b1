package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/woodytoys/woodytoys/api/shop"
)

// reservation is an order with items that waits to be stored. Many buyers of one product would queue for its row, each
// with a connection and a commit of its own. Here they queue in memory, first come, first served, and share both: a
// group locks the rows of its products once, serves its orders in turn, and writes each row once.
//
// So in a replica nobody is overtaken. Replicas meet in the row: there, before a buyer's group, each other replica has
// one group served at most, where the database takes turns.
type reservation struct {
	waiter
	order shop.Order
	key   string // the idempotency key; empty without one
	named bool   // the order has the product's name from its caller
}

const (
	maxReserveWorkers = 1 // a second one would wait for the first one's rows, with a connection
	maxReserveGroup   = 256
	maxReserveItems   = 512 // of a group's orders together: each may be another row
	// reservePace bounds how often a sale invalidates. For the time of a load after each, readers of the product wait:
	// ten times as long it is kept.
	reservePace = 10 * time.Millisecond
)

// errCrossed is a transaction that met another one's, of another node or of a moment ago, and is to be made again.
var errCrossed = errors.New("another transaction has just written the same")

// reserve stores an order that has items, in one transaction with others that wait.
func (s *Store) reserve(ctx context.Context, order shop.Order, key string) (shop.Order, error) {
	order.Items = slices.Clone(order.Items)
	r := &reservation{waiter: newWaiter(ctx), order: order, key: key, named: order.Product != ""}
	if s.reservations.add(r) {
		go s.reservations.run(s.reserveTogether)
	}
	err := await(ctx, s, &s.reservations, r)
	switch {
	case errors.Is(err, errKeyUsed):
		return s.OrderByKey(ctx, key)
	case err != nil:
		return shop.Order{}, err
	}
	return r.order, nil
}

// reserveTogether stores what waits. What cannot be served gets an error of its own.
func (s *Store) reserveTogether() (group []*reservation, settle func() error) {
	return together(s, &s.reservations, s.takeReservations,
		func(ctx context.Context, tx *sql.Tx, group *[]*reservation) ([]string, error) {
			return s.reserveGroup(ctx, tx, *group)
		})
}

// takeReservations returns the next group, which is short enough for one transaction.
func (s *Store) takeReservations() []*reservation {
	items := 0
	return s.reservations.takeWhile(func(r *reservation) bool {
		items += len(r.order.Items)
		return items <= maxReserveItems
	})
}

// reserveGroup serves orders in turn, in one transaction, and returns what that changes.
func (s *Store) reserveGroup(ctx context.Context, tx *sql.Tx, group []*reservation) (tags []string, err error) {
	if len(group) == 0 {
		return nil, nil
	}
	var wanted [][]shop.Item
	for _, r := range group {
		wanted = append(wanted, r.order.Items)
	}
	// The rows first: what is read after their lock is from after it, too.
	products, err := s.lockProducts(ctx, tx, idsOf(wanted...))
	if err != nil {
		return nil, err
	}
	used, err := usedKeys(ctx, tx, group)
	if err != nil {
		return nil, err
	}
	before := map[int64]int64{}
	for id, p := range products {
		before[id] = p.Stock.Left
	}
	var served []*reservation
	for _, r := range group {
		if r.err = serve(r, products, used); r.err == nil {
			served = append(served, r)
		}
	}
	if len(served) == 0 {
		return nil, s.mayRefuse(ctx, tx, group[0].err)
	}
	for _, id := range slices.Sorted(maps.Keys(products)) {
		if taken := before[id] - products[id].Stock.Left; taken > 0 {
			if err := takeStock(ctx, tx, id, taken); err != nil {
				return nil, err
			}
			tags = append(tags, shop.SoldTags(id)...)
		}
	}
	for _, r := range served {
		tags = append(tags, shop.OrderTag(r.order.ID))
	}
	slices.Sort(tags)
	return slices.Compact(tags), s.insertReserved(ctx, tx, served)
}

// serve takes an order's items from the products, and notes its key.
func serve(r *reservation, products map[int64]*shop.Product, used map[string]bool) error {
	if r.key != "" && used[r.key] {
		return errKeyUsed
	}
	if err := shop.TakeAll(r.order.Items, products); err != nil {
		return err
	}
	if !r.named { // anew in each try
		r.order.Product = products[r.order.Items[0].Product].Name
	}
	if r.key != "" {
		used[r.key] = true
	}
	return nil
}

// mayRefuse returns an error where a group of which nothing is stored was refused by a server that takes no writes, as
// refusal does.
func (s *Store) mayRefuse(ctx context.Context, tx *sql.Tx, refused error) error {
	if err := s.refusal(ctx, tx, refused); !errors.Is(err, refused) {
		return err
	}
	return nil
}

// takeStock takes some of a product, whose row is locked. A node of a cluster may have another's change in between.
func takeStock(ctx context.Context, tx *sql.Tx, id, n int64) error {
	done, err := tx.ExecContext(ctx, "UPDATE product SET woody_stock = woody_stock - ?, version = version + 1 "+
		"WHERE id = ? AND woody_stock >= ?", n, id, n)
	if err != nil {
		return err
	}
	if rows, err := done.RowsAffected(); err != nil || rows != 1 {
		return fmt.Errorf("take %d of product %d: %w", n, id, errors.Join(errCrossed, err))
	}
	return nil
}

// usedKeys returns which keys of a group have been used before.
func usedKeys(ctx context.Context, tx *sql.Tx, group []*reservation) (used map[string]bool, err error) {
	used = map[string]bool{}
	var keys []any
	for _, r := range group {
		if r.key != "" {
			keys = append(keys, r.key)
		}
	}
	if len(keys) == 0 {
		return used, nil
	}
	rows, err := tx.QueryContext(ctx,
		"SELECT idempotency_key FROM order_key WHERE idempotency_key IN ("+marks(len(keys), "?")+")", keys...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		if err := rows.Scan(&key); err != nil {
			return nil, err
		}
		used[key] = true
	}
	return used, rows.Err()
}

// insertReserved stores orders and their keys.
func (s *Store) insertReserved(ctx context.Context, tx *sql.Tx, served []*reservation) error {
	var keys, orders []any
	for _, r := range served {
		if r.key != "" {
			keys = append(keys, r.key, r.order.ID)
		}
		orders = append(orders, r.order.ID, r.order.Status, r.order.Product, shop.OriginOf(r.ctx).String(),
			r.order.Owner, itemsText(r.order.Items), s.reserveFor.Microseconds())
	}
	if n := len(keys) / 2; n > 0 {
		_, err := tx.ExecContext(ctx, "INSERT INTO order_key (idempotency_key, order_id, created_us) VALUES "+
			marks(n, "(?, ?, "+s.now+")"), keys...)
		if meaningOf(err) == duplicate { // it came after this transaction had looked
			return errCrossed
		}
		if err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO `order` (order_id, status, product, created_us, woody_origin, "+
		"woody_owner, woody_items, woody_reserved_until_us) VALUES "+
		marks(len(served), "(?, ?, ?, "+s.now+", ?, ?, ?, "+s.now+" + ?)"), orders...)
	return err
}

// ReservationsWaiting returns how many orders wait for a transaction.
func (s *Store) ReservationsWaiting() int { return s.reservations.len() }
