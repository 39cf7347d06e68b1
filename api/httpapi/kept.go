package httpapi

import (
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/fibercache"
)

const (
	heavyTTL    = 30 * time.Second
	lastTTL     = 15 * time.Second
	readTTL     = time.Minute
	negativeTTL = 2 * time.Second
	// refreshAhead is the part of its TTL after which an answer that took long is made again.
	refreshAhead = 0.7
	// jitter is the part of its TTL by which an answer may expire earlier, so that a replica that has just started, or
	// an emptied Redis, does not have all of them expire together a TTL later.
	jitter = 0.1
)

// keptRoutes are what stands before the handlers of the reads that the cache keeps.
type keptRoutes struct{ heavy, last, product, products, order, orderStatus, probe fiber.Handler }

// keptRoutes makes them. Without a cache each only goes on to its handler.
func (a *API) keptRoutes(c *cache.Cache) (kept keptRoutes, err error) {
	keep := func(o fibercache.Options) fiber.Handler {
		if c == nil {
			return func(c *fiber.Ctx) error { return c.Next() }
		}
		o.Jitter = jitter
		o.Variant = func(c *fiber.Ctx) string { return wants(c).String() }
		o.Fail = a.sendError
		o.Caller = a.watch
		handler, newErr := fibercache.New(c, o)
		if newErr != nil {
			err = newErr
		}
		return handler
	}
	kept.heavy = keep(fibercache.Options{
		Options: cache.Options{Name: "heavy", TTL: heavyTTL, RefreshAhead: refreshAhead},
		Query:   []string{"name"},
	})
	kept.last = keep(fibercache.Options{
		Options: cache.Options{Name: "last", TTL: lastTTL, RefreshAhead: refreshAhead},
		Query:   []string{}, Tags: func(*fiber.Ctx) []string { return []string{shop.AllProducts} },
	})
	kept.product = keep(fibercache.Options{
		Options: cache.Options{Name: "product", TTL: readTTL, NegativeTTL: negativeTTL},
		Query:   []string{}, Tags: func(c *fiber.Ctx) []string { return []string{shop.ProductTag(productID(c))} },
	})
	kept.products = keep(fibercache.Options{
		Options: cache.Options{Name: "products", TTL: readTTL},
		Query:   []string{"after", "limit"}, Bypass: addsProduct, // the handler names a page's tags
	})
	kept.order = keep(fibercache.Options{
		Options: cache.Options{Name: "order", TTL: readTTL, NegativeTTL: negativeTTL},
		Query:   []string{}, // the handler names the order that it found
	})
	kept.orderStatus = keep(fibercache.Options{
		Options: cache.Options{Name: "order_status", TTL: readTTL, NegativeTTL: negativeTTL},
		Query:   []string{"order_id"}, // as for order
	})
	kept.probe = keep(fibercache.Options{
		Options: cache.Options{Name: "probe", TTL: readTTL},
		Query:   []string{}, Tags: func(c *fiber.Ctx) []string { return []string{shop.ProbeTag(c.Params("name"))} },
	})
	return kept, err
}
