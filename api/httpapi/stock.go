package httpapi

import (
	"context"
	"strconv"
	"time"

	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/cache"
)

// stockTTL is how long a stock is kept. It is asked for by orders of what is sold out; whatever is returned to the
// stock invalidates it.
const stockTTL = time.Minute

// StockIn returns what shop.Config.Stock may be: a product's stock by a cache. It has the product's tag, so that it is
// never older than the product's page. It adds a loader to the cache: call it once.
func StockIn(c *cache.Cache, s shop.Store) (func(ctx context.Context, id int64) (shop.Stock, error), error) {
	loader, err := cache.NewLoader[shop.Stock](c, cache.Options{Name: "stock", TTL: stockTTL})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, id int64) (shop.Stock, error) {
		stock, _, err := loader.Get(ctx, loader.Key(strconv.FormatInt(id, 10)), []string{shop.ProductTag(id)},
			func(ctx context.Context, _ *cache.Fill) (shop.Stock, error) {
				// The load may outlive the caller whose values ctx has: his response is not to be touched.
				ctx = shop.NoteDatabase(ctx, func(string) {})
				product, err := s.Product(ctx, id)
				return product.Stock, err
			})
		return stock, err
	}, nil
}
