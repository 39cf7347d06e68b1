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
	// ProductNamed is the product of exactly this name, code point for code point: case, accents, and spaces at the end
	// count. Of several it is the one with the lowest id.
	ProductNamed(ctx context.Context, name string) (Product, error)

	// AddGoods stores a new product under the next id. With an idempotency key that was used before it stores nothing
	// and returns the product of that time, as it was then; an empty key is none.
	AddGoods(ctx context.Context, goods Goods, key string) (Product, error)
	// ProductByKey is the product that an idempotency key was used for, as it was then; NotFound
	// when it was not.
	ProductByKey(ctx context.Context, key string) (Product, error)
	// ChangeProduct changes a product and raises its version, if the condition allows it.
	ChangeProduct(ctx context.Context, id int64, change Change, allow Condition) (Product, error)
	// DeleteProduct removes a product, if the condition allows it.
	DeleteProduct(ctx context.Context, id int64, allow Condition) error

	// Order is the order of exactly this id, letter for letter.
	Order(ctx context.Context, id string) (Order, error)
	// AddOrder stores a pending order, with its owner and the origin of ctx.
	// With a key that was used before it stores nothing and
	// returns the order of that time. Keys are compared exactly, as names are. An order with items takes them from the
	// stock of their products in the same transaction, all or none: it returns NotFound, SoldOut or TooFew where it
	// cannot. Those who come together share a transaction; who came first is served first.
	AddOrder(ctx context.Context, order Order, key string) (Order, error)
	// OrderByKey is the order that an idempotency key was used for; NotFound when it was not.
	OrderByKey(ctx context.Context, key string) (Order, error)

	// CancelOrder ends a pending order as Cancelled, and returns what it has taken to the stock; it returns the order.
	// A second time it changes nothing. It returns Ended where the order has come to another end. An error of allow,
	// which is asked about each order that is found, unless it is nil, comes before that, and is what it returns.
	CancelOrder(ctx context.Context, id string, allow func(Order) error) (Order, error)
	// LapseOrders ends some of the orders as Lapsed that have reserved items and were not validated in time, and
	// returns what they have taken to the stock; it returns how many. Each order is ended once, by whoever is first.
	LapseOrders(ctx context.Context) (int, error)

	// Probe returns a probe, of version 0 where there is none.
	Probe(ctx context.Context, name string) (Probe, error)
	// WriteProbe raises a probe's version by one, or makes it with version 1. It returns Busy, and makes none, where
	// there are ProbesMax.
	WriteProbe(ctx context.Context, name string) (Probe, error)

	// ClaimOrders takes up to n pending orders that nobody holds for the time of the lease: those first whose
	// reservations end next, but each fourth is the oldest of all. It is empty when there is none.
	ClaimOrders(ctx context.Context, n int, lease time.Duration) ([]Claim, error)
	// FinishOrder moves a claimed order to its end. It returns false, and changes nothing, when the claim lapsed and
	// another took the order or ended it, or its reservation is over. An order that fails returns what it has taken to
	// the stock. One without items for a product that is counted by now takes one; where none is left it fails.
	FinishOrder(ctx context.Context, claim Claim, end Status) (bool, error)
	// IsSold reports whether there still are the products of a claimed order. It does not queue behind callers.
	IsSold(ctx context.Context, claim Claim) (bool, error)
	// ReleaseOrder gives a claim back before it lapses; a claim already lost is left alone.
	ReleaseOrder(ctx context.Context, claim Claim) error
	// Backlog counts the pending orders.
	Backlog(ctx context.Context) (Backlog, error)
}
