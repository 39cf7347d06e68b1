// Package httpapi is the shop's face on HTTP, made with Fiber: the lab's plain-text calls and a
// REST interface in JSON, on the same handlers. openapi.json is its contract.
package httpapi

import (
	"context"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/cors"
	"github.com/gofiber/fiber/v2/middleware/recover"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/woodytoys/woodytoys/api/accounts"
	"github.com/woodytoys/woodytoys/api/audit"
	"github.com/woodytoys/woodytoys/api/callers"
	"github.com/woodytoys/woodytoys/api/health"
	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/api/tokens"
	"github.com/woodytoys/woodytoys/cache"
)

// BodyLimit is the largest request body, in bytes.
const BodyLimit = 64 << 10

const (
	// headerLimit is the largest request header, in bytes.
	headerLimit = 16 << 10
	// readTimeout bounds how long a request may take to arrive.
	readTimeout = 15 * time.Second
	// idleTimeout is how long a connection is kept for its next request.
	idleTimeout = 75 * time.Second
)

// Config is what the API is made of.
type Config struct {
	// Shop does the work. Required.
	Shop *shop.Shop
	// Health gates the API: until it has started, calls that need the shop answer 503. Required.
	Health *health.Health
	// Cache caches the responses to reads; the shop's Changed is to be its Invalidate. Default: nil,
	// every read calls the shop.
	Cache *cache.Cache
	// Accounts are the shop's accounts: with them, writes, and reads of what belongs to somebody, need a token.
	// Default: nil, anybody may do everything, and there are no accounts.
	Accounts *accounts.Service
	// Tokens are the keys of the accounts' tokens. Required with Accounts.
	Tokens *tokens.Keys
	// Audit records every write and every refusal. Default: nil, nothing does.
	Audit *audit.Recorder
	// TrustedProxies are the networks of the proxies whose X-Forwarded-For and X-Forwarded-Proto are believed: where
	// clients are, and by which scheme they come. Default: none, clients are where connections come from, without TLS.
	TrustedProxies []netip.Prefix
	// Around stands around every request, outside of all else, and may give it a c.UserContext(): its values are those
	// of all that is done for the request. It may set the request's Traceparent field, which logs and orders are given.
	// Default: nil, nothing stands there.
	Around fiber.Handler
	// ReplicaID is the value of X-Served-By. Default: empty.
	ReplicaID string
	// Registerer takes the metrics. Default: a registry of its own, which nobody reads.
	Registerer prometheus.Registerer
	// Logger gets errors that are our fault. Default: slog.Default().
	Logger *slog.Logger
}

// API is the HTTP interface of one replica.
type API struct {
	app    *fiber.App
	shop   *shop.Shop
	health *health.Health

	accounts *accounts.Service // nil where there are none
	tokens   *tokens.Keys

	forwarding forwarding

	audit       *audit.Recorder // nil where there is none
	replica     string
	metrics     *metrics
	ids         *requestIDs
	log         *slog.Logger
	docs        docsPage
	usesContext bool // requests have the values of c.UserContext(), which Config.Around sets
	caches      bool // there is a Config.Cache

	// process is the parent of every request's context: it ends when the process can wait no longer.
	process context.Context
}

// New returns the API. Requests under way are given up when ctx ends.
func New(ctx context.Context, cfg Config) (*API, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Registerer == nil {
		cfg.Registerer = prometheus.NewRegistry()
	}
	docs, err := newDocsPage(openAPI)
	if err != nil {
		return nil, err
	}
	a := &API{
		process: callers.Process(ctx), shop: cfg.Shop, health: cfg.Health, replica: cfg.ReplicaID, log: cfg.Logger,
		metrics: newMetrics(cfg.Registerer), ids: newRequestIDs(), docs: docs,
		usesContext: cfg.Around != nil, caches: cfg.Cache != nil,
		accounts: cfg.Accounts, tokens: cfg.Tokens, audit: cfg.Audit,
	}
	a.app = fiber.New(fiber.Config{
		AppName:               "Woodytoys",
		CaseSensitive:         true, // as URLs are; openapi.json describes no other spelling
		BodyLimit:             BodyLimit,
		ReadBufferSize:        headerLimit,
		ReadTimeout:           readTimeout,
		IdleTimeout:           idleTimeout,
		DisableStartupMessage: true,
		// A multipart body would be taken apart before its Content-Type is refused.
		DisablePreParseMultipartForm: true,
		ErrorHandler:                 a.handleEarlyError,
		EnableTrustedProxyCheck:      true,
		TrustedProxies:               networksOf(cfg.TrustedProxies),
	})
	a.app.Server().LazyRequestTime = true // nobody asks for it
	a.refuseUnknownMethods()
	if cfg.Around != nil {
		a.app.Use(cfg.Around)
	}
	if cfg.Logger.Enabled(ctx, slog.LevelDebug) {
		a.app.Use(a.logRequests)
	}
	a.app.Use(a.observe)
	a.app.Use(recover.New(recover.Config{EnableStackTrace: true, StackTraceHandler: a.logPanic}))
	a.app.Use("/api", cors.New(cors.Config{
		Next:         hasNoOrigin,
		AllowMethods: "GET,HEAD,POST,PUT,PATCH,DELETE",
		ExposeHeaders: "Cache-Status,ETag,Link,Location,Preference-Applied,Retry-After,Server-Timing,X-Request-Id," +
			"X-Served-By",
		MaxAge: 600,
	}))
	a.app.Use("/api", trimPath)
	if a.accounts != nil {
		a.app.Use("/api", a.identify)
	}
	cached, err := a.cachedRoutes(cfg.Cache)
	if err != nil {
		return nil, err
	}
	a.routes(cached)
	return a, nil
}

// App returns the Fiber application, to listen with and to mount more on.
func (a *API) App() *fiber.App { return a.app }

func (a *API) routes(cached cachedRoutes) {
	a.app.Get("/healthz", a.handleHealthz)
	a.app.Get("/readyz", a.handleReadyz)

	api := a.app.Group("/api")
	// Who may call what, where there are accounts.
	writes, orders := a.needs(accounts.WriteProducts), a.needs(accounts.PlaceOrders)

	// Fiber tries the routes in order: the products, which are asked for most, come first.
	api.Get("/products/last", a.needsShop, cached.last, a.forCaller, a.handleProductLast)
	api.Get("/products", a.needsIf(addsProduct, accounts.WriteProducts), a.needsShop, cached.products, a.forCaller,
		a.handleProducts)
	api.Post("/products", writes, a.needsShop, a.forCaller, a.handleProductCreate)
	api.Get("/products/:id<int>", checkProductID, a.needsShop, cached.product, a.forCaller, a.handleProduct)
	api.Put("/products/:id<int>", checkProductID, writes, a.needsShop, a.forCaller, a.handleProductPut)
	api.Patch("/products/:id<int>", checkProductID, writes, a.needsShop, a.forCaller, a.handleProductPatch)
	api.Delete("/products/:id<int>", checkProductID, writes, a.needsShop, a.forCaller, a.handleProductDelete)

	// The lab's face writes with GET. Fiber's Get would register HEAD too, and HEAD never writes.
	api.Add(fiber.MethodGet, "/orders/do", orders, a.needsShop, a.forCaller, a.handleOrderDo)
	api.Get("/orders", orders, a.needsShop, a.cleanOrderStatus, cached.orderStatus, a.forCaller, a.handleOrderStatus)
	api.Post("/orders", orders, a.needsShop, a.forCaller, a.handleOrderCreate)
	api.Get("/orders/:id<guid>", orders, a.needsShop, a.cleanOrder, cached.order, a.forCaller, a.handleOrder)

	api.Post("/orders/:id<guid>/cancel", orders, a.needsShop, a.forCaller, a.handleOrderCancel)

	if a.accounts != nil {
		a.accountRoutes(api)
	}

	api.Get("/ping", a.handlePing)
	api.Get("/openapi.json", a.handleOpenAPI)
	api.Get("/docs", a.handleDocs)
	api.Get("/misc/time", a.handleTime)
	api.Get("/misc/heavy", cached.heavy, a.forCaller, a.handleHeavy)

	api.Get("/probes/:name", a.needsShop, a.checkProbe, cached.probe, a.forCaller, a.handleProbe)
}

// accountRoutes adds the calls that there are only where there are accounts.
func (a *API) accountRoutes(api fiber.Router) {
	manages := a.needs(accounts.ManageAccounts)
	api.Post("/accounts", a.needsShop, a.forCaller, a.handleRegister)
	api.Get("/accounts", manages, a.needsShop, a.forCaller, a.handleAccounts)
	api.Get("/accounts/:id<guid>", manages, a.needsShop, a.forCaller, a.handleAccount)
	api.Delete("/accounts/:id<guid>", manages, a.needsShop, a.forCaller, a.handleAccountDelete)
	api.Put("/accounts/:id<guid>/role", manages, a.needsShop, a.forCaller, a.handleRolePut)
	api.Delete("/accounts/:id<guid>/sessions", manages, a.needsShop, a.forCaller, a.handleSessionsDelete)

	api.Post("/session", a.needsShop, a.forCaller, a.handleSignIn)
	api.Post("/session/renew", a.needsShop, a.forCaller, a.handleRenew)
	api.Delete("/session", a.needsShop, a.forCaller, a.handleSignOut)
	api.Delete("/sessions", a.needsAccount, a.needsShop, a.forCaller, a.handleSignOutEverywhere)

	api.Get("/account", a.needsAccount, a.needsShop, a.forCaller, a.handleOwnAccount)
	api.Delete("/account", a.needsAccount, a.needsShop, a.forCaller, a.handleOwnAccountDelete)
	api.Put("/account/password", a.needsAccount, a.needsShop, a.forCaller, a.handlePasswordPut)

	a.app.Get("/.well-known/jwks.json", a.handleKeys)
}

// trimPath is the middleware that takes slashes off the end of a path, as the routes do: an address has one key in the
// cache, and one name in the audit, however many it was sent with.
func trimPath(c *fiber.Ctx) error {
	if path := c.Path(); strings.HasSuffix(path, "/") {
		c.Path(strings.TrimRight(path, "/"))
	}
	return c.Next()
}

// hasNoOrigin reports whether a request has no Origin, so that CORS has nothing to do with it.
func hasNoOrigin(c *fiber.Ctx) bool { return len(c.Request().Header.PeekCanonical(fieldOrigin)) == 0 }

// needsShop responds 503 until the database has been reached and migrated.
func (a *API) needsShop(c *fiber.Ctx) error {
	if !a.health.Started() {
		return errStarting
	}
	return c.Next()
}

var errStarting = &shop.Error{
	Kind: shop.Unavailable, RetryAfter: 2 * time.Second,
	Detail: "The shop is starting and waits for its database; try again later.",
}
