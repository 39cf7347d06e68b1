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
	// staleFor is for how long after its TTL an answer is sent that the database cannot make again: while no database
	// takes writes, what was kept and not invalidated is still the newest.
	staleFor = 10 * time.Minute
	// refreshAhead is the part of its TTL after which an answer that took long is made again.
	refreshAhead = 0.7
	// jitter is the part of its TTL by which an answer may expire earlier, so that a replica that has just started, or
	// an emptied Redis, does not have all of them expire together a TTL later.
	jitter = 0.1
)

// cachedRoutes is the caching middleware of each route whose responses are cached.
type cachedRoutes struct{ heavy, last, product, products, order, orderStatus, probe fiber.Handler }

// cachedRoutes returns the middleware on a cache; with a nil cache each only calls the next handler.
func (a *API) cachedRoutes(c *cache.Cache) (cached cachedRoutes, err error) {
	middleware := func(o fibercache.Options) fiber.Handler {
		if c == nil {
			return func(c *fiber.Ctx) error { return c.Next() }
		}
		o.Jitter = jitter
		if o.Bypass == nil {
			o.Bypass = prefersPrimary
		}
		o.Variant = func(c *fiber.Ctx) string { return wants(c).String() }
		o.Fail = a.sendError
		o.Caller = a.watch
		handler, newErr := fibercache.New(c, o)
		if newErr != nil {
			err = newErr
		}
		return handler
	}
	cached.heavy = middleware(fibercache.Options{
		Options: cache.Options{Name: "heavy", TTL: heavyTTL, RefreshAhead: refreshAhead},
		Query:   []string{"name"}, Bypass: func(*fiber.Ctx) bool { return false }, // no database is read
	})
	cached.last = middleware(fibercache.Options{
		Options: cache.Options{Name: "last", TTL: lastTTL, RefreshAhead: refreshAhead, MaxStale: staleFor},
		Query:   []string{}, Tags: func(*fiber.Ctx) []string { return []string{shop.AllProducts} },
	})
	cached.product = middleware(fibercache.Options{
		Options: cache.Options{Name: "product", TTL: readTTL, NegativeTTL: negativeTTL, MaxStale: staleFor},
		Query:   []string{}, Tags: func(c *fiber.Ctx) []string { return []string{shop.ProductTag(productID(c))} },
	})
	cached.products = middleware(fibercache.Options{
		Options: cache.Options{Name: "products", TTL: readTTL, MaxStale: staleFor},
		Query:   []string{"after", "limit"}, Bypass: passesList, // the handler names a page's tags
	})
	cached.order = middleware(fibercache.Options{
		Options: cache.Options{Name: "order", TTL: readTTL, NegativeTTL: negativeTTL, MaxStale: staleFor},
		Query:   []string{}, // the handler names the order that it found
		Allow:   a.allowOrder(),
	})
	cached.orderStatus = middleware(fibercache.Options{
		Options: cache.Options{Name: "order_status", TTL: readTTL, NegativeTTL: negativeTTL, MaxStale: staleFor},
		Query:   []string{"order_id"}, // as for order
		Allow:   a.allowOrder(),
	})
	cached.probe = middleware(fibercache.Options{
		Options: cache.Options{Name: "probe", TTL: readTTL},
		Query:   []string{}, Tags: func(c *fiber.Ctx) []string { return []string{shop.ProbeTag(c.Params("name"))} },
	})
	return cached, err
}

// passesList reports whether a request for the list is not for the cache.
func passesList(c *fiber.Ctx) bool { return addsProduct(c) || prefersPrimary(c) }
