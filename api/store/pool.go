package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/api/slots"
)

// pool hands out connections: as many as it has slots, with bounded waiting for one and bounded
// time with it. The slots stand before database/sql's own queue so that a wait for a connection
// and a database that does not answer can be told apart.
type pool struct {
	db      *sql.DB
	slots   *slots.Slots
	timeout time.Duration
	room    *room // is told of every transaction's error
}

func newPool(db *sql.DB, size int, wait, timeout time.Duration) *pool {
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return &pool{db: db, slots: slots.New(size, wait), timeout: timeout}
}

// run calls f with a connection of its own. Its error is always a *shop.Error or the context's.
func (p *pool) run(ctx context.Context, f func(ctx context.Context, conn *sql.Conn) error) error {
	return p.runFor(ctx, p.timeout, f)
}

func (p *pool) runFor(ctx context.Context, timeout time.Duration, f func(ctx context.Context, conn *sql.Conn) error) error {
	if err := p.acquire(ctx); err != nil {
		return err
	}
	defer p.slots.Release()
	bounded, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	conn, err := p.db.Conn(bounded)
	if err != nil {
		return explain(ctx, err)
	}
	defer conn.Close()
	return explain(ctx, f(bounded, conn))
}

// row reads one row into dest; it answers sql.ErrNoRows when there is none.
func (p *pool) row(ctx context.Context, query string, args []any, dest ...any) error {
	if err := p.acquire(ctx); err != nil {
		return err
	}
	defer p.slots.Release()
	bounded, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	err := p.db.QueryRowContext(bounded, query, args...).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return err
	}
	return explain(ctx, err)
}

func (p *pool) acquire(ctx context.Context) error {
	err := p.slots.Acquire(ctx)
	if errors.Is(err, slots.ErrBusy) {
		return noConnection(err)
	}
	return err
}

func noConnection(err error) error {
	return &shop.Error{
		Kind: shop.Busy, Err: err, RetryAfter: time.Second,
		Detail: "All database connections of this replica are in use; try again later.",
	}
}
