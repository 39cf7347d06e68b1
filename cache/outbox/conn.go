package outbox

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"time"

	"github.com/woodytoys/woodytoys/cache/ledger"
)

// tries is how often a call is made that met a server which is away, can do nothing now or takes no writes: after a
// restart, or when another server has taken over, each connection from before is of no use.
const tries = 3

// on calls f with a connection whose server has just proved that it takes writes. What f does, it does no harm with
// twice.
func (o *Outbox) on(ctx context.Context, f func(conn *sql.Conn) error) (err error) {
	return o.try(func() error { return o.once(ctx, f) })
}

// repeats is how often more a call is made whose transaction lost against another's: where the database's default is an
// isolation above READ COMMITTED, or where two nodes of a cluster take writes, of two that change one row at a time one
// fails.
const repeats = 30

// try calls f, and again where a new connection may lead elsewhere, or where another transaction was in its way.
func (o *Outbox) try(call func() error) (err error) {
	for left, again := tries, repeats; left > 0 && again > 0; {
		err = call()
		switch {
		case lostAgainstOther(err):
			again--
		case errors.Is(err, driver.ErrBadConn), errors.Is(err, ledger.ErrUnreachable), isOver(err):
			left--
		default:
			return err
		}
	}
	return err
}

// once is on, once.
func (o *Outbox) once(ctx context.Context, f func(conn *sql.Conn) error) error {
	return o.with(ctx, func(conn *sql.Conn, known *link) error {
		if err := o.prove(ctx, conn, known); err != nil {
			return err
		}
		return f(conn)
	})
}

// with calls f with a connection. One that turns out to be of no use is not given back.
func (o *Outbox) with(ctx context.Context, f func(conn *sql.Conn, known *link) error) error {
	conn, err := o.cfg.DB.Conn(ctx)
	if err != nil {
		return o.explain(err)
	}
	defer conn.Close()
	known := o.links.of(conn)
	if err = o.beCausal(ctx, conn, known); err == nil {
		err = asReadOnly(f(conn, known))
	}
	if known.galera {
		o.galera.Store(true)
	}
	if errors.Is(err, ErrReadOnly) {
		o.demoted.Store(true)
	}
	if errors.Is(err, driver.ErrBadConn) || isOver(err) {
		_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	}
	return o.explain(err)
}

const proveSQL = "SELECT {proof}"

// prove returns ErrReadOnly where a connection's server takes no writes.
func (o *Outbox) prove(ctx context.Context, conn *sql.Conn, known *link) error {
	asked := time.Now()
	var proved bool
	if err := conn.QueryRowContext(ctx, o.sql.prove).Scan(&proved); err != nil {
		return err
	}
	return o.note(known, asked, proved)
}

// note records whether a connection's server takes writes, as it has just reported.
func (o *Outbox) note(known *link, asked time.Time, proved bool) error {
	if !proved {
		return ErrReadOnly
	}
	known.writableAt = asked
	o.demoted.Store(false)
	return nil
}
