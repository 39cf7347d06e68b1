package shop

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// soldOut are the products that an order found sold out, or too few of, not long ago. An order for one of them first
// looks at its stock as caches have it, which is never older than what was acknowledged before: while there is not
// enough it is refused there, without the database. What an order returns, or a clerk adds, is seen as soon as it is
// acknowledged.
type soldOut struct {
	stock func(ctx context.Context, id int64) (Stock, error)

	mu  sync.Mutex
	ids map[int64]bool
}

// soldOutMax is how many products are remembered; with one more all are forgotten, which costs a look each.
const soldOutMax = 1024

// has reports whether a product is remembered.
func (s *soldOut) has(id int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ids[id]
}

// note remembers the products that a failed order wanted too many of.
func (s *soldOut) note(short []Left) {
	if s.stock == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, left := range short {
		if len(s.ids) >= soldOutMax || s.ids == nil {
			s.ids = map[int64]bool{}
		}
		s.ids[left.Product] = true
	}
}

func (s *soldOut) forget(id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.ids, id)
}

// refuse returns SoldOut or TooFew where caches know that an order cannot be served, and nil otherwise.
func (s *soldOut) refuse(ctx context.Context, items []Item) error {
	var short []Left
	for _, item := range items {
		if !s.has(item.Product) {
			continue
		}
		stock, err := s.stock(ctx, item.Product)
		switch {
		case err != nil: // the database decides
		case stock.Limited && stock.Left < item.Quantity:
			short = append(short, Left{Product: item.Product, Left: max(stock.Left, 0), Wanted: item.Quantity})
		case !stock.Limited || stock.Left > 0:
			s.forget(item.Product)
		}
	}
	if len(short) > 0 {
		return tooFew(short)
	}
	return nil
}

// OrderItems takes an order for some of several products, all or none: NotFound where one does not exist, SoldOut or
// TooFew where one has not enough. A key that is not empty makes it idempotent: the second call returns what the first
// one did, also when there is nothing left by then.
func (s *Shop) OrderItems(ctx context.Context, items []Item, key string) (Order, error) {
	items, err := CleanItems(items)
	if err != nil {
		return Order{}, err
	}
	if key != "" {
		if err := CheckKey(key); err != nil {
			return Order{}, err
		}
		key = keyOf(ctx, key)
	}
	order, err := s.reserve(ctx, Order{Items: items}, key)
	return replayItems(order, items, err)
}

// reserve takes an order that has items.
func (s *Shop) reserve(ctx context.Context, order Order, key string) (Order, error) {
	if err := s.soldOut.refuse(ctx, order.Items); err != nil {
		// The key's first use may have taken what is missing, so it is looked for after the stock.
		if key != "" {
			if stored, err := s.byKey(ctx, key); KindOf(err) != NotFound {
				return stored, err
			}
		}
		return Order{}, err
	}
	order, err := s.place(ctx, order, key)
	if kind := KindOf(err); kind == SoldOut || kind == TooFew {
		s.soldOut.note(leftOf(err))
	}
	return order, err
}

func replayItems(order Order, items []Item, err error) (Order, error) {
	if err == nil && !sameItems(order.Items, items) {
		err = keyReused()
	}
	return asPlaced(order, err)
}

// CancelOrder ends a pending order, and returns its items to the stock; it returns the order. A second time it changes
// nothing. It returns Ended where the order has come to another end. An error of allow comes before that; nil allows
// all.
func (s *Shop) CancelOrder(ctx context.Context, id string, allow func(Order) error) (Order, error) {
	id, err := CleanOrderID(id)
	if err != nil {
		return Order{}, err
	}
	return s.store.CancelOrder(ctx, id, allow)
}

// lapseEvery is how often reservations are looked at that are over.
const lapseEvery = time.Second

// Lapses ends the orders whose reservations are over, until ctx ends. Every replica may do it at once.
func (s *Shop) Lapses(ctx context.Context, log *slog.Logger) {
	failing := false
	for sleep(ctx, lapseEvery) == nil {
		n, err := s.store.LapseOrders(ctx)
		for err == nil && n > 0 { // those that are left
			log.Info("reservations lapsed", "orders", n)
			n, err = s.store.LapseOrders(ctx)
		}
		if err != nil && !failing && ctx.Err() == nil { // log the first failure, not every one
			log.Warn("end reservations that are over", "err", err)
		}
		failing = err != nil
	}
}
