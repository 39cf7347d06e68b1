package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/woodytoys/woodytoys/api/shop"
)

// insert is a product that waits to be added, with others in one transaction.
type insert struct {
	waiter
	product shop.Product
	key     string // the idempotency key; empty without one
}

const (
	maxInsertWorkers = 2  // one fills its transaction while the other commits, where the database takes two writers
	maxInsertGroup   = 64 // keeps transactions short
)

// AddProduct adds a product that is neither counted nor priced.
func (s *Store) AddProduct(ctx context.Context, name string) (shop.Product, error) {
	return s.AddGoods(ctx, shop.Goods{Name: name}, "")
}

// AddProductOnce does the same under an idempotency key.
func (s *Store) AddProductOnce(ctx context.Context, name, key string) (shop.Product, error) {
	return s.AddGoods(ctx, shop.Goods{Name: name}, key)
}

// AddGoods implements shop.Store: it adds a product in one transaction with others that wait. Of two calls with one key
// at the same time, the unique key lets one through; the other returns what that one stored.
func (s *Store) AddGoods(ctx context.Context, goods shop.Goods, key string) (shop.Product, error) {
	a := &insert{
		waiter:  newWaiter(ctx),
		product: shop.Product{Name: goods.Name, Version: 1, Stock: goods.Stock, Price: goods.Price}, key: key,
	}
	if s.inserts.add(a) {
		go s.inserts.run(s.addTogether)
	}
	err := await(ctx, s, &s.inserts, a)
	switch {
	case errors.Is(err, errKeyUsed):
		return s.ProductByKey(ctx, key)
	case err != nil:
		return shop.Product{}, err
	}
	return a.product, nil
}

// addTogether adds what waits. What the database refuses of it gets an error of its own.
func (s *Store) addTogether() (group []*insert, settle func() error) {
	return together(s, &s.inserts, s.inserts.take, s.addGroup)
}

// addGroup adds products in one transaction, and returns what that changes. It shortens a group for which there is no
// time.
func (s *Store) addGroup(ctx context.Context, tx *sql.Tx, group *[]*insert) (tags []string, err error) {
	deadline, _ := ctx.Deadline()
	for i, a := range *group {
		// the database is slow: commit a few rather than run out of time with all
		if i > 0 && time.Until(deadline) < s.writes.timeout/2 {
			s.inserts.giveBack((*group)[i:])
			*group = (*group)[:i]
			break
		}
		a.product.ID, err = insertProduct(ctx, tx, a.product)
		if err == nil && a.key != "" && remembers {
			err = s.keepProductKey(ctx, tx, a.key, a.product)
		}
		if err != nil && !isRefusal(err) && !errors.Is(err, errKeyUsed) {
			return nil, err
		}
		if a.err = explain(context.Background(), err); a.err == nil {
			tags = append(tags, shop.AddedTags(a.product.ID)...)
		}
	}
	slices.Sort(tags)
	return slices.Compact(tags), nil
}

// insertProduct adds a product under the next id. A node of a cluster may give out an id that another node's product
// has, which has just come: then it is the next one after all.
func insertProduct(ctx context.Context, tx *sql.Tx, p shop.Product) (id int64, err error) {
	const insert = "INSERT INTO product (name, woody_stock, woody_price, woody_currency) VALUES (?, ?, ?, ?)"
	args := append([]any{p.Name}, termsArgs(p.Stock, p.Price)...)
	if p.Stock == (shop.Stock{}) && p.Price == (shop.Price{}) {
		return insertedID(ctx, tx, "INSERT INTO product (name) VALUES (?)", p.Name)
	}
	return insertedID(ctx, tx, insert, args...)
}

func insertedID(ctx context.Context, tx *sql.Tx, statement string, args ...any) (id int64, err error) {
	for try := 1; ; try++ {
		added, err := tx.ExecContext(ctx, statement, args...)
		switch {
		case err == nil:
			return added.LastInsertId()
		case meaningOf(err) != duplicate || try == maxTries:
			return 0, err
		}
	}
}

// InsertsWaiting returns how many inserts wait for a transaction.
func (s *Store) InsertsWaiting() int { return s.inserts.len() }
