package main

import (
	"context"
	"database/sql"

	"github.com/woodytoys/woodytoys/api/store"
	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/cluster"
	"github.com/woodytoys/woodytoys/cache/outbox"
)

// near is the journal of a process that has the database, a SQLite file, for itself.
type near struct{ *cache.Cache }

func (near) Record(context.Context, *sql.Tx, []string) (int64, error) { return 0, nil }

func (n near) Settle(_ context.Context, _ int64, tags []string) error { return n.Invalidate(tags...) }

// shared is the journal of a replica with Redis.
type shared struct {
	box   *outbox.Outbox
	cache *cache.Cache
}

func (s shared) Record(ctx context.Context, tx *sql.Tx, tags []string) (int64, error) {
	return s.box.Record(ctx, tx, tags...)
}

func (s shared) Settle(ctx context.Context, record int64, tags []string) error {
	return s.cache.SettleContext(ctx, record, tags...)
}

// uncached is the journal of a replica without Redis, beside which others may have one.
type uncached struct{ outbox.Uncached }

func (u uncached) Record(ctx context.Context, tx *sql.Tx, tags []string) (int64, error) {
	return u.Uncached.Record(ctx, tx, tags...)
}

func (u uncached) Settle(_ context.Context, record int64, _ []string) error {
	return u.Uncached.Settle(record)
}

// namespace is what the cache's tables, and its names in Redis, begin with. Another one would part a release from the
// one before, during an update.
const namespace = "woody"

// ledgerPool is how many connections the ledger has for itself: for its reading, for what is removed or bumped, and for
// the last look of writes.
const ledgerPool = 3

// outbox returns what the ledger in a database is made of.
func (c config) outbox(db *sql.DB) outbox.Config {
	return outbox.Config{
		DB: db, Namespace: namespace, Direct: c.DBDirect == "on", Cluster: c.DBDirect == "cluster",
	}
}

// openCache makes the cache that the configuration asks for, if any, and what keeps it right.
func (p *program) openCache() (journal store.Journal, err error) {
	cfg := cache.Config{MaxBytes: int64(p.cfg.NearBytes), NoNear: p.cfg.NearCache == "off"}
	if p.tracing != nil {
		cfg.Tracer = p.tracing.Cache()
	}
	switch {
	case p.cfg.DBDSN == "" && cfg.NoNear:
		return nil, nil
	case p.cfg.DBDSN == "":
		p.cache, err = cache.New(cfg)
		return near{p.cache}, err
	}
	if p.ledger, err = store.OpenPool(p.cfg.DBDSN, ledgerPool, p.log); err != nil {
		return nil, err
	}
	if p.box, err = outbox.New(p.cfg.outbox(p.ledger)); err != nil {
		return nil, err
	}
	if !p.cfg.hasRedis() {
		return uncached{outbox.Uncached{Outbox: p.box, Lease: p.cfg.CacheLease}}, nil
	}
	options, err := p.cfg.redisOptions()
	if err != nil {
		return nil, err
	}
	cfg.Cluster = &cluster.Config{
		Redis: options, Instance: p.cfg.RedisNamespace, Ledger: p.box, Replica: p.cfg.ReplicaID, Logger: p.log,
		Lease: p.cfg.CacheLease, FillLease: p.cfg.FillLease, AckTimeout: p.cfg.AckTimeout, Timeout: p.cfg.RedisTimeout,
	}
	p.cache, err = cache.New(cfg)
	return shared{p.box, p.cache}, err
}
