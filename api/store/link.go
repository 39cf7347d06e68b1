package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/go-sql-driver/mysql"
)

// link opens connections to a database server, and notes how old each is. The address may lead to another server
// than a moment ago, while the connections that are there stay with the old one: when a server turns out to take no
// writes, those from before are not used again.
type link struct {
	driver.Connector
	follow follow
	began  time.Time
	moved  atomic.Int64 // connections that were dialled before then are dropped
	swept  atomic.Int64 // when idle connections were last dropped for that

	idleInWrite time.Duration // how long its transactions may be idle once they have written
}

func newLink(to driver.Connector, follow follow) *link {
	return &link{Connector: to, follow: follow, began: time.Now(), idleInWrite: idleInWrite}
}

// now returns the link's clock, in nanoseconds.
func (l *link) now() int64 { return int64(time.Since(l.began)) }

// renew drops connections that were begun before then, each when it is next to be used.
func (l *link) renew(then int64) {
	for {
		moved := l.moved.Load()
		if moved >= then || l.moved.CompareAndSwap(moved, then) {
			return
		}
	}
}

// connectFor bounds how long it takes to connect, for those who are not in a hurry: a server that is paused takes
// connections.
const connectFor = 5 * time.Second

// Connect implements driver.Connector. A connection is as old as the look-up of its address.
func (l *link) Connect(ctx context.Context) (driver.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectFor)
	defer cancel()
	begun := l.now()
	conn, err := l.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	node, err := meet(ctx, conn.(serverConn), l.idleInWrite)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return &linked{serverConn: followServer(conn.(serverConn), l.follow), link: l, begun: begun, node: node}, nil
}

// serverConn is all that the driver's connections can do.
type serverConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.NamedValueChecker
	driver.Pinger
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
}

// linked is a connection of a link. Once its server has refused a write for being read-only it is not used again: the
// driver's rejectReadOnly does the same, and forgets what the server said. So it is with a node of a cluster that has
// lost the others.
type linked struct {
	serverConn
	link   *link
	begun  int64 // when its address was looked up, by the link's clock
	node   node
	proved int64 // when it was last asked whether its server takes writes, and it did; zero for never
	ended  bool
}

// ResetSession implements driver.SessionResetter: database/sql calls it before a connection is used again.
func (c *linked) ResetSession(ctx context.Context) error {
	if c.begun < c.link.moved.Load() {
		return driver.ErrBadConn
	}
	return c.serverConn.ResetSession(ctx)
}

// IsValid implements driver.Validator: database/sql calls it when a connection is given back.
func (c *linked) IsValid() bool {
	return !c.ended && c.begun >= c.link.moved.Load() && c.serverConn.IsValid()
}

// ExecContext implements driver.ExecerContext.
func (c *linked) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	done, err := c.serverConn.ExecContext(ctx, query, args)
	c.heed(err)
	return done, err
}

// QueryContext implements driver.QueryerContext.
func (c *linked) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := c.serverConn.QueryContext(ctx, query, args)
	c.heed(err)
	return rows, err
}

// BeginTx implements driver.ConnBeginTx.
func (c *linked) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	tx, err := c.serverConn.BeginTx(ctx, options)
	c.heed(err)
	return linkedTx{tx, c, ctx}, err
}

// linkedTx is a transaction of a linked connection.
type linkedTx struct {
	driver.Tx
	conn *linked
	ctx  context.Context // BEGIN's
}

// Commit implements driver.Tx. It waits for the server until the deadline of BEGIN's context, and not for longer: the
// transaction may have been committed then, or not. It does not end with the context for another reason.
func (tx linkedTx) Commit() error {
	ctx := context.WithoutCancel(tx.ctx)
	if deadline, bounded := tx.ctx.Deadline(); bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline)
		defer cancel()
	}
	_, err := tx.conn.serverConn.ExecContext(ctx, "COMMIT", nil)
	if errors.Is(err, context.DeadlineExceeded) {
		err = errSilent // database/sql's own DeadlineExceeded means that COMMIT was not sent
	}
	tx.conn.heed(err)
	return err
}

// errSilent is a server that has not replied to COMMIT in time.
var errSilent = fmt.Errorf("the database has not replied to COMMIT in time: %w", mysql.ErrInvalidConn)

func (c *linked) heed(err error) {
	if err != nil && (isReadOnly(err) || isOutside(err)) {
		c.ended = true
	}
}

// errReadOnly is a server that has not been asked to write, and takes no writes.
var errReadOnly error = readOnlyError{}

type readOnlyError struct{}

func (readOnlyError) Error() string { return "the database server is read-only" }

// Unwrap makes it a driver.ErrBadConn: nothing has happened, and another connection may lead elsewhere.
func (readOnlyError) Unwrap() error { return driver.ErrBadConn }

// isReadOnly reports whether a server takes no writes: nothing has happened then, and another server may take them.
func isReadOnly(err error) bool {
	return meaningOf(err) == readOnly
}

// isOutside reports whether a server is a node of a Galera cluster that is not part of its majority: nothing has
// happened then, and another node may do better.
func isOutside(err error) bool {
	var my *mysql.MySQLError
	return errors.As(err, &my) && my.Number == 1047 // ER_UNKNOWN_COM_ERROR, by its old name
}

// sweepEvery is how often idle connections are ended at the most, while no server takes writes.
const sweepEvery = time.Second

// sweep ends the connections that nobody uses, rather than wait for their turn: size of them are kept.
func (l *link) sweep(db *sql.DB, size int) {
	swept, now := l.swept.Load(), l.now()
	if (swept == 0 || now-swept > int64(sweepEvery)) && l.swept.CompareAndSwap(swept, now) {
		db.SetMaxIdleConns(0)
		db.SetMaxIdleConns(size)
	}
}

// drop ends a connection instead of giving it back to its pool.
func drop(conn *sql.Conn) {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
}

// linkedOf returns the link's side of a connection, for the one who holds it; nil where the database is a file.
func linkedOf(conn *sql.Conn) (l *linked) {
	_ = conn.Raw(func(c any) error {
		l, _ = c.(*linked)
		return nil
	})
	return l
}
