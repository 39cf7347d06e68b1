// Package shop holds the words and rules of the business: products and orders, what a valid name
// is, what validating an order means. It has no SQL and no HTTP.
package shop

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/woodytoys/woodytoys/api/slots"
)

// Config is what a Shop is made of.
type Config struct {
	// Store keeps the products and orders. Required.
	Store Store
	// HeavyDelay is how long the heavy computation and one order's validation take. Default: 0,
	// no delay.
	HeavyDelay time.Duration
	// HeavySlots is how many heavy computations run at once. Default: 1.
	HeavySlots int
	// Wait is how long a caller waits for a heavy slot before it gets Busy. Default: 0, not
	// at all.
	Wait time.Duration
	// Stock returns a product's stock, from a cache if possible, and never one older than the last write acknowledged
	// before the call. Default: nil; orders for sold-out products then reach the store too.
	Stock func(ctx context.Context, id int64) (Stock, error)
	// Follow, where it is not nil, is called when a worker begins with an order. It returns the context of what is done
	// for it, and what is called at the end, with the error that kept the order from its end, or nil. Default: nil.
	Follow func(ctx context.Context, claim Claim) (context.Context, func(err error))
}

// Shop is the business. Its methods return an *Error, or the context's error, when they fail.
type Shop struct {
	store      Store
	heavyDelay time.Duration
	heavy      *slots.Slots
	// follow follows an order's processing; nil without a tracer.
	follow  func(ctx context.Context, claim Claim) (context.Context, func(err error))
	soldOut soldOut
	placed  chan struct{} // signals to this process's workers that an order came
}

// New returns a shop on a store.
func New(cfg Config) *Shop {
	return &Shop{
		store:      cfg.Store,
		heavyDelay: cfg.HeavyDelay,
		heavy:      slots.New(cfg.HeavySlots, cfg.Wait),
		follow:     cfg.Follow,
		soldOut:    soldOut{stock: cfg.Stock},
		placed:     make(chan struct{}, 1),
	}
}

// HeavySlots returns the slots that Heavy computes in.
func (s *Shop) HeavySlots() *slots.Slots { return s.heavy }

// Heavy computes for the heavy delay in one of the slots and returns when it was done.
func (s *Shop) Heavy(ctx context.Context) (time.Time, error) {
	switch err := s.heavy.Acquire(ctx); {
	case errors.Is(err, slots.ErrBusy):
		return time.Time{}, &Error{
			Kind: Busy, Err: err, RetryAfter: max(s.heavyDelay, time.Second),
			Detail: "All heavy slots of this replica are taken; try again later.",
		}
	case err != nil:
		return time.Time{}, err
	}
	defer s.heavy.Release()
	if err := sleep(ctx, s.heavyDelay); err != nil {
		return time.Time{}, err
	}
	return time.Now(), nil
}

// Product returns one product.
func (s *Shop) Product(ctx context.Context, id int64) (Product, error) {
	return s.store.Product(ctx, id)
}

// Products returns a page of products, newest first, with ids below before (zero: from the newest).
func (s *Shop) Products(ctx context.Context, before int64, limit int) ([]Product, error) {
	return s.store.Products(ctx, before, limit)
}

// Last returns the newest product and the count.
func (s *Shop) Last(ctx context.Context) (Last, error) { return s.store.Last(ctx) }

// AddProduct adds a product under a name that CleanName accepts, on terms that CheckTerms accepts.
func (s *Shop) AddProduct(ctx context.Context, goods Goods) (Product, error) {
	goods, err := goods.clean()
	if err != nil {
		return Product{}, err
	}
	return s.store.AddGoods(ctx, goods, "")
}

// AddProductOnce adds a product under an idempotency key: the second call returns what the first one did, whatever
// became of the product since, and KeyReused if it is for another name or other terms.
func (s *Shop) AddProductOnce(ctx context.Context, goods Goods, key string) (Product, error) {
	goods, err := goods.clean()
	if err != nil {
		return Product{}, err
	}
	if err := CheckKey(key); err != nil {
		return Product{}, err
	}
	key = keyOf(ctx, key)
	product, err := s.store.ProductByKey(ctx, key)
	if err == nil {
		repeated(ctx)
	}
	if KindOf(err) == NotFound {
		product, err = s.store.AddGoods(ctx, goods, key)
	}
	switch {
	case err != nil:
		return Product{}, err
	case product.Name != goods.Name || product.Stock != goods.Stock || product.Price != goods.Price:
		return Product{}, &Error{Kind: KeyReused, Detail: "This Idempotency-Key was used before for another product."}
	}
	return product, nil
}

// ChangeProduct changes a product, if the condition allows it. A new name is one that CleanName accepts, and new terms
// are such that CheckTerms does.
func (s *Shop) ChangeProduct(ctx context.Context, id int64, change Change, allow Condition) (Product, error) {
	change, err := change.clean()
	if err != nil {
		return Product{}, err
	}
	return s.store.ChangeProduct(ctx, id, change, allow)
}

// DeleteProduct removes a product, if the condition allows it.
func (s *Shop) DeleteProduct(ctx context.Context, id int64, allow Condition) error {
	return s.store.DeleteProduct(ctx, id, allow)
}

// Order returns one order, by an id that CleanOrderID accepts.
func (s *Shop) Order(ctx context.Context, id string) (Order, error) {
	id, err := CleanOrderID(id)
	if err != nil {
		return Order{}, err
	}
	return s.store.Order(ctx, id)
}

// OrderAnything takes an order without asking whether the product exists, as the lab does; the validation finds out. A
// product that is counted is taken from its stock, as OrderProduct does.
func (s *Shop) OrderAnything(ctx context.Context, name string) (Order, error) {
	name, err := CleanName(name)
	if err != nil {
		return Order{}, err
	}
	product, err := s.store.ProductNamed(ctx, name)
	if err != nil && KindOf(err) != NotFound {
		return Order{}, err
	}
	return s.orderNamed(ctx, product, name, "")
}

// OrderProduct takes an order for one of a product that exists, NotFound otherwise. Where the product is counted it is
// taken from its stock: SoldOut where nothing is left. A key that is not empty makes it idempotent: the second call
// returns what the first one did.
func (s *Shop) OrderProduct(ctx context.Context, name, key string) (Order, error) {
	name, err := CleanName(name)
	if err != nil {
		return Order{}, err
	}
	if key != "" {
		if err := CheckKey(key); err != nil {
			return Order{}, err
		}
		key = keyOf(ctx, key)
		// Before the product is looked for: a repeated call gets its first answer even if the
		// product has been deleted since.
		if order, err := s.byKey(ctx, key); KindOf(err) != NotFound {
			return replay(order, name, err)
		}
	}
	product, err := s.store.ProductNamed(ctx, name)
	switch {
	case KindOf(err) == NotFound:
		return Order{}, &Error{Kind: NotFound, Detail: "There is no product of this name to order."}
	case err != nil:
		return Order{}, err
	}
	return s.orderNamed(ctx, product, name, key)
}

// orderNamed takes an order for a product by its name. One that is counted or priced is an item of the order.
func (s *Shop) orderNamed(ctx context.Context, product Product, name, key string) (Order, error) {
	order := Order{Product: name}
	var err error
	if product.Stock.Limited || product.Price != (Price{}) {
		order.Items = []Item{{Product: product.ID, Quantity: 1}}
		order, err = s.reserve(ctx, order, key)
	} else {
		order, err = s.place(ctx, order, key)
	}
	return replay(order, name, err)
}

// place stores a new order, and has the workers know of it.
func (s *Shop) place(ctx context.Context, order Order, key string) (Order, error) {
	order.ID, order.Status, order.Version, order.Owner = uuid.NewString(), Pending, 1, ownerOf(ctx)
	stored, err := s.store.AddOrder(ctx, order, key)
	if KindOf(err) == Uncertain && key == "" { // with a key, the same call again finds out
		return Order{}, &Error{
			Kind: Uncertain, Err: err,
			Detail: "The order may have been taken, or not: look for order " + order.ID + " before you send it again.",
		}
	}
	if err != nil {
		return Order{}, err
	}
	if stored.ID != order.ID {
		repeated(ctx)
		return stored, nil
	}
	select {
	case s.placed <- struct{}{}:
	default:
	}
	return stored, nil
}

// byKey returns the order that an idempotency key was used for; NotFound where it was not.
func (s *Shop) byKey(ctx context.Context, key string) (Order, error) {
	order, err := s.store.OrderByKey(ctx, key)
	if err == nil {
		repeated(ctx)
	}
	return order, err
}

// replay returns the first answer to an order for one of a product by its name, whatever became of it since.
func replay(order Order, name string, err error) (Order, error) {
	one := len(order.Items) == 0 || len(order.Items) == 1 && order.Items[0].Quantity == 1
	if err == nil && (order.Product != name || !one) {
		err = keyReused()
	}
	return asPlaced(order, err)
}

// asPlaced returns an order as it was when it was placed.
func asPlaced(order Order, err error) (Order, error) {
	if err != nil {
		return Order{}, err
	}
	order.Status, order.Version = Pending, 1
	return order, nil
}

// sleep waits for d, or returns the context's error when that ends first.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
