package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/woodytoys/woodytoys/api/accounts"
	"github.com/woodytoys/woodytoys/api/admin"
	"github.com/woodytoys/woodytoys/api/audit"
	"github.com/woodytoys/woodytoys/api/health"
	"github.com/woodytoys/woodytoys/api/httpapi"
	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/api/store"
	"github.com/woodytoys/woodytoys/api/tracing"
	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/outbox"
	"github.com/woodytoys/woodytoys/cache/promcache"
	"github.com/woodytoys/woodytoys/front/site"
	"github.com/woodytoys/woodytoys/internal/serving"
)

// upkeepEvery is how often the store's small jobs are done.
const upkeepEvery = time.Minute

// program is one running replica.
type program struct {
	cfg      config
	log      *slog.Logger
	public   net.Listener
	private  net.Listener // nil when the admin port is off
	store    *store.Store
	cache    *cache.Cache   // nil with a database server and no Redis
	ledger   *sql.DB        // the cache's part of the database server; nil with SQLite
	box      *outbox.Outbox // stored in ledger
	scrapes  *sql.DB        // the same database server, for the metrics of the outbox; nil with SQLite
	shop     *shop.Shop
	accounts *accounts.Service // nil where there are none
	audit    *audit.Recorder   // nil without accounts
	health   *health.Health
	api      *httpapi.API
	registry *prometheus.Registry
	tracing  *tracing.Tracing // nil where nobody asked for traces
	// auditStream is the audit's; nil without one.
	auditStream io.Closer
	until       time.Time     // when the drain is to have ended; zero before it begins
	flushMost   time.Duration // what sending the last traces may take

	// serving is the parent of everything that requests and workers do.
	serving context.Context
	giveUp  context.CancelFunc
}

// start takes the ports and opens the store, so that what is taken already is known at once.
func start(cfg config, log *slog.Logger) (*program, error) {
	p := &program{cfg: cfg, log: log, health: &health.Health{}, registry: admin.NewRegistry(), flushMost: flushMost}
	p.serving, p.giveUp = context.WithCancel(context.Background())
	if err := p.open(); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

func (p *program) open() (err error) {
	if p.public, err = serving.Listen(p.cfg.Addr, p.log); err != nil {
		return err
	}
	if p.cfg.AdminAddr != "off" {
		if p.private, err = serving.ListenForOperators(p.cfg.AdminAddr, p.log); err != nil {
			return fmt.Errorf("WOODY_ADMIN_ADDR: %w", err)
		}
	}
	if tracing.Wanted(p.cfg.OTLPEndpoint) {
		p.tracing, err = tracing.New(tracing.Config{
			Endpoint: p.cfg.OTLPEndpoint, ReplicaID: p.cfg.ReplicaID, Registerer: p.registry, Logger: p.log,
		})
		if err != nil {
			return err
		}
	}
	journal, err := p.openCache()
	if err != nil {
		return err
	}
	stored := store.Config{
		DSN: p.cfg.DBDSN, ReadDSN: p.cfg.DBReadDSN, MigrateDSN: p.cfg.DBMigrateDSN, DataDir: p.cfg.DataDir,
		Sync: p.cfg.SQLiteSync == "full", Pool: p.cfg.DBPool, Wait: p.cfg.QueueTimeout, Timeout: p.cfg.DBTimeout,
		SlowQuery: p.cfg.SlowQueryDelay, ReserveFor: p.cfg.reserveFor(), Journal: journal,
		Audit: p.cfg.hasAccounts(), Logger: p.log,
	}
	business := shop.Config{HeavyDelay: p.cfg.HeavyDelay, HeavySlots: p.cfg.HeavySlots, Wait: p.cfg.QueueTimeout}
	face := httpapi.Config{
		Health: p.health, Cache: p.cache, ReplicaID: p.cfg.ReplicaID, Registerer: p.registry, Logger: p.log,
	}
	if p.tracing != nil {
		stored.Follow = p.tracing.Statements(p.cfg.DBDSN)
		business.Follow = p.tracing.Order
		face.Around = p.tracing.Requests(httpapi.RouteOf)
	}
	if p.store, err = store.Open(stored); err != nil {
		return err
	}
	if p.audit, err = p.openAudit(); err != nil {
		return err
	}
	face.Audit = p.audit
	business.Store = p.store
	if p.cache != nil {
		if business.Stock, err = httpapi.StockIn(p.cache, p.store); err != nil {
			return err
		}
	}
	if p.accounts, err = p.openAccounts(); err != nil {
		return err
	}
	face.Accounts = p.accounts
	if face.TrustedProxies, err = p.cfg.trustedProxies(); err != nil {
		return err
	}
	if face.Tokens, err = p.openTokenKeys(); err != nil {
		return err
	}
	p.shop = shop.New(business)
	face.Shop = p.shop
	p.api, err = httpapi.New(p.serving, face)
	if err != nil {
		return err
	}
	if p.cfg.servesFront() {
		if err := p.mountFront(); err != nil {
			return err
		}
	}
	if p.cache != nil {
		p.registry.MustRegister(promcache.New("woody", p.cache))
	}
	if p.box != nil {
		if err := p.watchOutbox(); err != nil {
			return err
		}
	}
	admin.WatchHealth(p.registry, p.health)
	admin.WatchSlots(p.registry, "heavy_slots", p.shop.HeavySlots())
	admin.WatchSlots(p.registry, "db_slots", p.store.Slots())
	if writes := p.store.WriteSlots(); writes != nil {
		admin.WatchSlots(p.registry, "db_write_slots", writes)
	}
	admin.WatchReplies(p.registry, p.store.Replies)
	admin.WatchAdditions(p.registry, p.store.InsertsWaiting)
	admin.WatchReservations(p.registry, p.store.ReservationsWaiting)
	admin.WatchReads(p.registry, p.store.ReadsWaiting)
	admin.WatchPools(p.registry, p.store.DBs())
	admin.WatchBacklog(p.registry, p.store)
	return nil
}

// watchOutbox adds the outbox's metrics, by a connection of their own: a scrape is not to wait behind writes, nor they
// behind it.
func (p *program) watchOutbox() (err error) {
	if p.scrapes, err = store.OpenPool(p.cfg.DBDSN, 1, p.log); err != nil {
		return err
	}
	p.scrapes.SetMaxIdleConns(-1) // between two scrapes it may lead to a server that was demoted
	box, err := outbox.New(p.cfg.outbox(p.scrapes))
	if err != nil {
		return err
	}
	admin.WatchOutbox(p.registry, box)
	return nil
}

// mountFront puts the page and its assets beside the API.
func (p *program) mountFront() error {
	page, err := site.New(site.Config{
		Toys: p.toys, CDNURL: p.cfg.CDNURL, LimitRate: int64(p.cfg.FrontLimitRate), ReplicaID: p.cfg.ReplicaID,
		Accounts: p.cfg.hasAccounts(), Logger: p.log,
	})
	if err != nil {
		return err
	}
	page.Register(p.api.App())
	return nil
}

// shelf is how many toys the page may show.
const shelf = 100

func (p *program) toys(ctx context.Context) ([]site.Toy, error) {
	ctx = shop.AcceptReadOnly(ctx, func() {}) // the page is never cached here, and elsewhere not for long
	products, err := p.shop.Products(ctx, 0, shelf)
	toys := make([]site.Toy, len(products))
	for i, product := range products {
		toys[i] = site.Toy{
			ID: product.ID, Name: product.Name, Version: product.Version,
			Counted: product.Stock.Limited, Left: product.Stock.Left, Price: product.Price.String(),
		}
	}
	return toys, err
}

// Run serves until ctx ends and then drains: requests first, then the workers. It returns nil
// after a clean end.
func (p *program) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var behind sync.WaitGroup
	defer behind.Wait()
	defer p.giveUp()
	behind.Go(func() {
		if err := p.work(p.serving); err != nil && p.serving.Err() == nil {
			cancel(err)
		}
	})
	if p.private != nil {
		behind.Go(func() {
			if err := admin.Serve(p.serving, p.private, p.registry, p.api.ProbeWriter()); err != nil {
				p.log.Error("admin port", "err", err)
			}
		})
	}
	err := serving.Serve(ctx, p.api.App(), p.public, serving.Drain{
		Begin: func() {
			p.log.Info("draining")
			p.until = time.Now().Add(p.cfg.DrainDelay + p.cfg.DrainTimeout)
			p.health.Drain()
		},
		Delay: p.cfg.DrainDelay, Timeout: p.cfg.DrainTimeout,
	})
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		err = errors.Join(cause, err)
	}
	return err
}

// work waits for the database and then does, until ctx ends, what no request asks for.
func (p *program) work(ctx context.Context) error {
	if err := p.migrate(ctx); err != nil {
		return err
	}
	without, err := p.ensureAdministrator(ctx)
	if err != nil {
		return err
	}
	p.health.Start()
	p.log.Info("ready", "database", p.store.Name())
	var tasks sync.WaitGroup
	tasks.Go(func() { p.shop.Workers(ctx, p.cfg.OrderWorkers, p.log) })
	tasks.Go(func() { p.health.WatchDatabase(ctx, p.store.Ping, p.logDatabase) })
	tasks.Go(func() { p.shop.Lapses(ctx, p.log) })
	tasks.Go(func() { p.upkeep(ctx) })
	if without {
		tasks.Go(func() { p.retryAdministrator(ctx) })
	}
	if p.audit != nil {
		tasks.Go(func() { p.audit.Run(ctx) })
	}
	tasks.Wait()
	return nil
}

// migrate waits for a database that takes writes, and brings all of it up to date.
func (p *program) migrate(ctx context.Context) error {
	if err := p.store.Migrate(ctx); err != nil || p.box == nil {
		return err
	}
	box := p.box
	if p.cfg.DBMigrateDSN != "" {
		db, err := store.OpenPool(p.cfg.DBMigrateDSN, 1, p.log)
		if err != nil {
			return err
		}
		defer db.Close()
		if box, err = outbox.New(p.cfg.outbox(db)); err != nil {
			return err
		}
	}
	err := box.Migrate(ctx)
	for ; err != nil && store.IsAway(err); err = box.Migrate(ctx) {
		p.log.Warn("waiting for the database", "err", err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
	return err
}

func (p *program) logDatabase(err error) {
	switch {
	case err == nil:
		p.log.Info("the database is back")
	case shop.KindOf(err) == shop.Full:
		p.log.Error("the database has no room: writes are refused until it has", "err", err)
	default:
		p.log.Warn("the database is lost", "err", err)
	}
}

func (p *program) upkeep(ctx context.Context) {
	ticker := time.NewTicker(upkeepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := p.store.Upkeep(ctx); err != nil && ctx.Err() == nil {
			p.log.Warn("upkeep", "err", err)
		}
	}
}

// Close frees what Run did not. It may be called at any time, and twice.
func (p *program) Close() {
	p.giveUp()
	for _, ln := range []net.Listener{p.public, p.private} {
		if ln != nil {
			ln.Close()
		}
	}
	if p.cache != nil {
		p.cache.Close()
	}
	if p.ledger != nil {
		p.ledger.Close()
	}
	if p.scrapes != nil {
		p.scrapes.Close()
	}
	if p.store != nil {
		p.store.Close()
	}
	if p.auditStream != nil {
		p.auditStream.Close()
	}
	p.flush()
}

// How long the last traces have to be sent, at least and at most, whatever is left of the drain.
const (
	flushLeast = time.Second
	flushMost  = 5 * time.Second
)

// flush sends the last traces, within what is left of the drain.
func (p *program) flush() {
	if p.tracing == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), min(max(time.Until(p.until), flushLeast), p.flushMost))
	defer cancel()
	if err := p.tracing.Shutdown(ctx); err != nil {
		p.log.Warn("the last traces were not sent", "err", err)
	}
	p.tracing = nil
}

// announce writes where the shop listens, for other programs.
func (p *program) announce() (*serving.Announcement, error) {
	admin := "off"
	if p.private != nil {
		admin = p.private.Addr().String()
	}
	return serving.Announce(p.cfg.ListeningFile, "WOODY_ADDR", p.public.Addr().String(), "WOODY_ADMIN_ADDR", admin)
}

// greet prints where the shop is and what to try, for a person.
func (p *program) greet(to io.Writer) {
	url := serving.URL(p.public.Addr())
	fmt.Fprintf(to, `Woodytoys is open at %s

  curl %s/api/ping
  curl '%s/api/products?product=Robot'
  curl %s/api/products/last

`, url, url, url, url)
	if p.private != nil {
		fmt.Fprintf(to, "Metrics: %s/metrics   The API's description: %s/api/docs   Ctrl-C ends it.\n\n",
			serving.URL(p.private.Addr()), url)
	}
}
