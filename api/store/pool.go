package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"time"

	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/api/slots"
)

// pool hands out connections: as many as it has slots, with bounded waiting for one and bounded
// time with it. The slots stand before database/sql's own queue so that a wait for a connection
// and a database that does not answer can be distinguished.
type pool struct {
	db      *sql.DB
	link    *link // nil for a database that is a file
	slots   *slots.Slots
	timeout time.Duration
	room    *room    // notes every transaction's error
	replies *replies // counts whose replies callers have had; nil in the background
	// rests reports whether the servers are to be left alone now; nil where there are no others to turn to.
	rests func() bool
	// checksWrites has run check first that the server takes writes: for work that leaves no record, which would.
	checksWrites bool
}

func newPool(db *sql.DB, size int, wait, timeout time.Duration) *pool {
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return &pool{db: db, slots: slots.New(size, wait), timeout: timeout}
}

// run calls f with a connection of its own; its error is always a *shop.Error or the context's. Where the connection
// turns out to be of no use before anything has happened (its server is read-only, or gone), f is called once more,
// with a connection that was begun after run was.
func (p *pool) run(ctx context.Context, f func(ctx context.Context, conn held) error) error {
	return p.runFor(ctx, p.timeout, func(ctx context.Context, conn held) error {
		if p.checksWrites {
			if err := mustTakeWrites(ctx, conn); err != nil {
				return err
			}
		}
		return f(ctx, conn)
	})
}

// held is a connection that somebody holds.
type held struct {
	*sql.Conn
	linked *linked // nil where the database is a file
	fresh  bool    // it was dialled after the work began that it is for
}

// name returns the name of the server.
func (h held) name() string {
	if h.linked == nil {
		return sqliteDialect.name
	}
	return h.linked.node.name
}

func (p *pool) runFor(
	ctx context.Context, timeout time.Duration, f func(ctx context.Context, conn held) error,
) error {
	if err := p.acquire(ctx); err != nil {
		return err
	}
	defer p.slots.Release()
	if p.rests != nil && p.rests() {
		return errResting
	}
	bounded, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if p.link == nil {
		return explain(ctx, p.with(bounded, 0, f))
	}
	began := p.link.now()
	err := p.with(bounded, began, f)
	if isElsewhere(err) && bounded.Err() == nil {
		p.link.renew(began)
		p.link.sweep(p.db, p.slots.Size())
		err = p.with(bounded, began, f)
	}
	if err != nil && bounded.Err() != nil && ctx.Err() == nil {
		// The way to the server may have been lost, without a notice: others need not each wait for it.
		p.link.renew(began)
	}
	return explain(ctx, err)
}

// with calls f with a connection, and drops that if it turned out to be of no use.
func (p *pool) with(ctx context.Context, began int64, f func(ctx context.Context, conn held) error) error {
	conn, err := p.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	h := held{Conn: conn}
	if p.link != nil {
		h.linked = linkedOf(conn)
		h.fresh = h.linked.begun >= began
	}
	if err = f(ctx, h); isElsewhere(err) {
		drop(conn)
	}
	return err
}

// isElsewhere reports whether an error means that nothing has happened and that another connection may do better.
func isElsewhere(err error) bool {
	return err != nil && shop.KindOf(err) != shop.Uncertain &&
		(errors.Is(err, driver.ErrBadConn) || isReadOnly(err) || isOutside(err))
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
