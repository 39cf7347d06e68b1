package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"syscall"
	"time"

	"github.com/go-sql-driver/mysql"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/woodytoys/woodytoys/api/shop"
)

// The errors of MariaDB and MySQL that mean something of their own here.
const (
	mysqlDiskFull           = 1021
	mysqlTooManyConnections = 1040
	mysqlShutdown           = 1053
	mysqlDuplicateColumn    = 1060
	mysqlDuplicateIndex     = 1061
	mysqlDuplicateKey       = 1062
	mysqlTableFull          = 1114
	mysqlTooManyForUser     = 1203
	mysqlLockWaitTimeout    = 1205
	mysqlDeadlock           = 1213
	mysqlUserLimit          = 1226
	mysqlReadOnly           = 1290
	mysqlInterrupted        = 1317
	mysqlTriggerExists      = 1359
	mysqlReadOnlyTx         = 1792
	mysqlKilled             = 1927
	mysqlStatementTime      = 1969
)

// explain makes a *shop.Error of what a database driver answered, unless it is one already. The
// caller's own ctx tells a caller that gave up from a database that did not answer in time.
func explain(ctx context.Context, err error) error {
	var known *shop.Error
	switch {
	case err == nil, errors.As(err, &known):
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	case IsAway(err):
		return &shop.Error{
			Kind: shop.Unavailable, Err: err, RetryAfter: 2 * time.Second,
			Detail: "The database does not answer; try again later.",
		}
	}
	return &shop.Error{Kind: shop.Internal, Err: err, Detail: "The database refused the request."}
}

// IsAway tells whether a driver's error means that the database cannot work now, whatever it is asked.
func IsAway(err error) bool {
	var my *mysql.MySQLError
	if errors.As(err, &my) {
		switch my.Number {
		case mysqlDiskFull, mysqlTooManyConnections, mysqlShutdown, mysqlTableFull, mysqlTooManyForUser, mysqlLockWaitTimeout,
			mysqlDeadlock, mysqlUserLimit, mysqlReadOnly, mysqlInterrupted, mysqlReadOnlyTx, mysqlKilled, mysqlStatementTime:
			return true
		}
		return false
	}
	if code, ok := sqliteCode(err); ok {
		switch code & 0xff {
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR,
			sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY:
			return true
		}
		return false
	}
	var network net.Error
	return errors.As(err, &network) ||
		errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, driver.ErrBadConn) ||
		errors.Is(err, mysql.ErrInvalidConn) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ENOENT) // the server's socket file is not there
}

// IsUnreachable tells whether a driver's error means that no server is there to answer anybody, now: it
// refuses connections, or is shutting down. One that is slow, or busy, or refuses this connection alone is
// there.
func IsUnreachable(err error) bool {
	var dial *net.OpError
	return errors.As(err, &dial) && dial.Op == "dial" && !dial.Timeout() || isMySQL(err, mysqlShutdown)
}

func isDeadlock(err error) bool { return isMySQL(err, mysqlDeadlock) }

// isDuplicate tells whether a unique key refused the row.
func isDuplicate(err error) bool {
	code, _ := sqliteCode(err)
	return isMySQL(err, mysqlDuplicateKey) ||
		code == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY || code == sqlite3.SQLITE_CONSTRAINT_UNIQUE
}

func isMySQL(err error, numbers ...uint16) bool {
	var my *mysql.MySQLError
	if !errors.As(err, &my) {
		return false
	}
	for _, number := range numbers {
		if my.Number == number {
			return true
		}
	}
	return false
}

// isRefusal tells whether the database refused a row: of that statement nothing has happened, and the
// transaction goes on. What it says of anything else may have ended the transaction.
func isRefusal(err error) bool {
	var my *mysql.MySQLError
	if errors.As(err, &my) {
		class := string(my.SQLState[:2])
		return class == "22" || class == "23" || class == "45" // bad data, a constraint, a trigger's word
	}
	code, ok := sqliteCode(err)
	return ok && code&0xff == sqlite3.SQLITE_CONSTRAINT
}

func sqliteCode(err error) (int, bool) {
	var lite *sqlite.Error
	if !errors.As(err, &lite) {
		return 0, false
	}
	return lite.Code(), true
}
