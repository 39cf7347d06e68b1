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
	// Follow, where it is not nil, is called when a worker begins with an order. It returns the context of what is done
	// for it, and what is called at the end, with the error that kept the order from its end, or nil. Default: nil.
	Follow func(ctx context.Context, claim Claim) (context.Context, func(err error))
}

// Shop is the business. Its methods answer an *Error, or the context's error, when they fail.
type Shop struct {
	store      Store
	heavyDelay time.Duration
	heavy      *slots.Slots
	// follow follows an order's processing; nil without a tracer.
	follow func(ctx context.Context, claim Claim) (context.Context, func(err error))
	placed chan struct{} // signals to this process's workers that an order came
}

// New returns a shop on a store.
func New(cfg Config) *Shop {
	return &Shop{
		store:      cfg.Store,
		heavyDelay: cfg.HeavyDelay,
		heavy:      slots.New(cfg.HeavySlots, cfg.Wait),
		follow:     cfg.Follow,
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

// AddProduct adds a product under a name that CleanName accepts.
func (s *Shop) AddProduct(ctx context.Context, name string) (Product, error) {
	name, err := CleanName(name)
	if err != nil {
		return Product{}, err
	}
	return s.store.AddProduct(ctx, name)
}

// AddProductOnce adds a product under an idempotency key: the second call returns what the first one did, whatever
// became of the product since, and KeyReused if it is for another name.
func (s *Shop) AddProductOnce(ctx context.Context, name, key string) (Product, error) {
	name, err := CleanName(name)
	if err != nil {
		return Product{}, err
	}
	if err := CheckKey(key); err != nil {
		return Product{}, err
	}
	product, err := s.store.ProductByKey(ctx, key)
	if KindOf(err) == NotFound {
		product, err = s.store.AddProductOnce(ctx, name, key)
	}
	switch {
	case err != nil:
		return Product{}, err
	case product.Name != name:
		return Product{}, &Error{Kind: KeyReused, Detail: "This Idempotency-Key was used before for another product."}
	}
	return product, nil
}

// RenameProduct gives a product a name that CleanName accepts, if the condition allows it.
func (s *Shop) RenameProduct(ctx context.Context, id int64, name string, allow Condition) (Product, error) {
	name, err := CleanName(name)
	if err != nil {
		return Product{}, err
	}
	return s.store.RenameProduct(ctx, id, name, allow)
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

// OrderAnything takes an order without asking whether the product exists, as the lab does; the
// validation finds out.
func (s *Shop) OrderAnything(ctx context.Context, product string) (Order, error) {
	product, err := CleanName(product)
	if err != nil {
		return Order{}, err
	}
	return s.place(ctx, product, "")
}

// OrderProduct takes an order for a product that exists, NotFound otherwise. A key that is not
// empty makes it idempotent: the second call returns what the first one did.
func (s *Shop) OrderProduct(ctx context.Context, product, key string) (Order, error) {
	product, err := CleanName(product)
	if err != nil {
		return Order{}, err
	}
	if key != "" {
		if err := CheckKey(key); err != nil {
			return Order{}, err
		}
		// Before the product is looked for: a repeated call gets its first answer even if the
		// product has been deleted since.
		if order, err := s.store.OrderByKey(ctx, key); KindOf(err) != NotFound {
			return replay(order, product, err)
		}
	}
	switch has, err := s.store.HasProduct(ctx, product); {
	case err != nil:
		return Order{}, err
	case !has:
		return Order{}, &Error{Kind: NotFound, Detail: "There is no product of this name to order."}
	}
	return s.place(ctx, product, key)
}

func (s *Shop) place(ctx context.Context, product, key string) (Order, error) {
	order := Order{ID: uuid.NewString(), Product: product, Status: Pending, Version: 1}
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
	select {
	case s.placed <- struct{}{}:
	default:
	}
	return replay(stored, product, nil)
}

// replay returns the first answer to an order, whatever became of it since.
func replay(order Order, product string, err error) (Order, error) {
	switch {
	case err != nil:
		return Order{}, err
	case order.Product != product:
		return Order{}, &Error{Kind: KeyReused, Detail: "This Idempotency-Key was used before for another order."}
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
