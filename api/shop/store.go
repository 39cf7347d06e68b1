package shop

import (
	"context"
	"time"
)

// Condition decides on a write to a product, in the write's own transaction: nobody changes the product between the
// decision and the write. current is nil where there is no such product; then an error of the condition comes before
// NotFound. An *Error refuses the write, and is what the write returns. It may be asked more than once, but not after
// the write has returned. A nil Condition allows everything.
type Condition func(current *Product) error

// Store keeps products and orders. Every method returns an *Error: NotFound where the thing named
// does not exist, Busy when no connection came free in time, Unavailable when the database does
// not answer, Full when it has no room. A write that returns nil is durable; one that returns
// Uncertain may have been carried out, or not; with any other error nothing has happened.
type Store interface {
	// Product is one product.
	Product(ctx context.Context, id int64) (Product, error)
	// Products is up to limit products with an id below before, newest first; before zero begins
	// at the newest. It is empty past the last one.
	Products(ctx context.Context, before int64, limit int) ([]Product, error)
	// Last is the newest product and the count. It costs the same for ten products and ten
	// million, apart from the simulated slow query.
	Last(ctx context.Context) (Last, error)
	// HasProduct reports whether there is a product of exactly this name, code point for code point: case, accents,
	// and spaces at the end count.
	HasProduct(ctx context.Context, name string) (bool, error)

	// AddProduct stores a new product under the next id.
	AddProduct(ctx context.Context, name string) (Product, error)
	// AddProductOnce does the same under an idempotency key. With a key that was used before it
	// stores nothing and returns the product of that time, as it was then.
	AddProductOnce(ctx context.Context, name, key string) (Product, error)
	// ProductByKey is the product that an idempotency key was used for, as it was then; NotFound
	// when it was not.
	ProductByKey(ctx context.Context, key string) (Product, error)
	// RenameProduct changes a name and raises the version, if the condition allows it.
	RenameProduct(ctx context.Context, id int64, name string, allow Condition) (Product, error)
	// DeleteProduct removes a product, if the condition allows it.
	DeleteProduct(ctx context.Context, id int64, allow Condition) error

	// Order is the order of exactly this id, letter for letter.
	Order(ctx context.Context, id string) (Order, error)
	// AddOrder stores a pending order, with the origin of ctx. With a key that was used before it stores nothing and
	// returns the order of that time. Keys are compared exactly, as names are.
	AddOrder(ctx context.Context, order Order, key string) (Order, error)
	// OrderByKey is the order that an idempotency key was used for; NotFound when it was not.
	OrderByKey(ctx context.Context, key string) (Order, error)

	// Probe returns a probe, of version 0 where there is none.
	Probe(ctx context.Context, name string) (Probe, error)
	// WriteProbe raises a probe's version by one, or makes it with version 1. It answers Busy, and makes none, where
	// there are ProbesMax.
	WriteProbe(ctx context.Context, name string) (Probe, error)

	// ClaimOrders takes up to n pending orders that nobody holds, oldest first, for the time of
	// the lease. It is empty when there is none.
	ClaimOrders(ctx context.Context, n int, lease time.Duration) ([]Claim, error)
	// FinishOrder moves a claimed order to its end. It returns false, and changes nothing, when
	// the claim lapsed and another took the order or ended it.
	FinishOrder(ctx context.Context, claim Claim, end Status) (bool, error)
	// IsSold is HasProduct for a claimed order's product. It does not queue behind callers.
	IsSold(ctx context.Context, claim Claim) (bool, error)
	// ReleaseOrder gives a claim back before it lapses; a claim already lost is left alone.
	ReleaseOrder(ctx context.Context, claim Claim) error
	// Backlog counts the pending orders.
	Backlog(ctx context.Context) (Backlog, error)
}
