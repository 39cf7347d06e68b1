package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/go-sql-driver/mysql"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/woodytoys/woodytoys/api/shop"
)

// meaning is what an error of a database means for the caller whose work met it.
type meaning int

const (
	refused   meaning = iota // this work is refused, now and later
	duplicate                // a unique key refused the row; the transaction goes on
	inPlace                  // the object that a migration creates exists already
	again                    // the transaction was rolled back for the sake of others: retry it
	busy                     // the database takes no more work now
	full                     // the database has no room for what is written
	readOnly                 // this server takes no writes, another one may
	away                     // the database does not answer, or not to this work
	ending                   // the server is shutting down
)

// mysqlMeanings are the errors of MariaDB and MySQL that mean something of their own here, by number. All others are
// refusals.
var mysqlMeanings = map[uint16]meaning{
	1062: duplicate, // ER_DUP_ENTRY

	1050: inPlace, // ER_TABLE_EXISTS_ERROR
	1060: inPlace, // ER_DUP_FIELDNAME
	1061: inPlace, // ER_DUP_KEYNAME
	1359: inPlace, // ER_TRG_ALREADY_EXISTS

	1020: again, // ER_CHECKREAD: a row changed since the snapshot (MariaDB's innodb_snapshot_isolation)
	1205: again, // ER_LOCK_WAIT_TIMEOUT: the statement is undone; the rest is undone before the next try
	1213: again, // ER_LOCK_DEADLOCK; Galera: another node's transaction was certified first
	1412: again, // ER_TABLE_DEF_CHANGED: a table was changed since the snapshot
	1614: again, // ER_XA_RBDEADLOCK
	3101: again, // MySQL's ER_TRANSACTION_ROLLBACK_DURING_COMMIT: group replication certified another's first
	3572: again, // MySQL's ER_LOCK_NOWAIT

	1040: busy, // ER_CON_COUNT_ERROR: too many connections
	1041: busy, // ER_OUT_OF_RESOURCES
	1135: busy, // ER_CANT_CREATE_THREAD
	1203: busy, // ER_TOO_MANY_USER_CONNECTIONS
	1206: busy, // ER_LOCK_TABLE_FULL
	1226: busy, // ER_USER_LIMIT_REACHED
	1637: busy, // ER_TOO_MANY_CONCURRENT_TRXS

	20:   full, // EE_DISK_FULL
	1021: full, // ER_DISK_FULL
	1114: full, // ER_RECORD_FILE_FULL
	3675: full, // MySQL's ER_DISK_FULL_NOWAIT

	1036: readOnly, // ER_OPEN_AS_READONLY
	1290: readOnly, // ER_OPTION_PREVENTS_STATEMENT: read_only, of a replica or a primary that was
	1792: readOnly, // ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION
	1836: readOnly, // ER_READ_ONLY_MODE
	1874: readOnly, // ER_INNODB_READ_ONLY

	1037: away, // ER_OUTOFMEMORY
	1047: away, // ER_UNKNOWN_COM_ERROR: a Galera node that is not of the majority, see isOutside
	1080: away, // ER_FORCING_CLOSE
	1129: away, // ER_HOST_IS_BLOCKED
	1158: away, // ER_NET_READ_ERROR
	1159: away, // ER_NET_READ_INTERRUPTED
	1160: away, // ER_NET_ERROR_ON_WRITE
	1161: away, // ER_NET_WRITE_INTERRUPTED
	1180: away, // ER_ERROR_DURING_COMMIT
	1317: away, // ER_QUERY_INTERRUPTED
	1927: away, // MariaDB's ER_CONNECTION_KILLED
	1969: away, // MariaDB's ER_STATEMENT_TIMEOUT
	3024: away, // MySQL's ER_QUERY_TIMEOUT
	3100: away, // MySQL's ER_RUN_HOOK_ERROR: group replication could not reach the group
	3168: away, // MySQL's ER_SERVER_ISNT_AVAILABLE
	3169: away, // MySQL's ER_SESSION_WAS_KILLED
	4031: away, // MySQL's ER_CLIENT_INTERACTION_TIMEOUT: the connection was idle for too long

	1053: ending, // ER_SERVER_SHUTDOWN
}

// mysqlFileErrors are errors about a file, whose text names the cause: full where it is the disk.
var mysqlFileErrors = []uint16{
	3,    // EE_WRITE
	1005, // ER_CANT_CREATE_TABLE
	1026, // ER_ERROR_ON_WRITE
	1030, // ER_GET_ERRNO
	1598, // ER_BINLOG_LOGGING_IMPOSSIBLE
}

// sqliteMeanings are SQLite's errors by their extended code, or else by their primary one.
var sqliteMeanings = map[int]meaning{
	sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY: duplicate,
	sqlite3.SQLITE_CONSTRAINT_UNIQUE:     duplicate,
	sqlite3.SQLITE_BUSY_SNAPSHOT:         again,
	sqlite3.SQLITE_BUSY:                  busy,
	sqlite3.SQLITE_LOCKED:                busy,
	sqlite3.SQLITE_PROTOCOL:              busy,
	sqlite3.SQLITE_FULL:                  full,
	sqlite3.SQLITE_IOERR_SHMSIZE:         full, // the write-ahead log's index cannot grow
	sqlite3.SQLITE_READONLY:              readOnly,
	sqlite3.SQLITE_IOERR:                 away,
	sqlite3.SQLITE_INTERRUPT:             away,
	sqlite3.SQLITE_CANTOPEN:              away,
	sqlite3.SQLITE_NOMEM:                 away,
}

// meaningOf returns what a driver's error means.
func meaningOf(err error) meaning {
	var my *mysql.MySQLError
	if errors.As(err, &my) {
		if slices.Contains(mysqlFileErrors, my.Number) && saysFull(my.Message) {
			return full
		}
		return mysqlMeanings[my.Number]
	}
	if code, ok := sqliteCode(err); ok {
		if m := sqliteMeanings[code]; m != refused {
			return m
		}
		return sqliteMeanings[code&0xff]
	}
	switch {
	case errors.Is(err, errReadOnly):
		return readOnly
	case errors.Is(err, errCrossed):
		return again
	case errors.Is(err, errBehind), errors.Is(err, errNotCausal), isBroken(err):
		return away
	}
	return refused
}

// saysFull reports whether a server's sentence names the operating system's error 28, ENOSPC.
func saysFull(sentence string) bool {
	return strings.Contains(sentence, "No space left") || strings.Contains(sentence, "rrno: 28") ||
		strings.Contains(sentence, "rrcode: 28") || strings.Contains(sentence, "error 28")
}

// isBroken reports whether an error is of the way to the database, and not from it.
func isBroken(err error) bool {
	var network net.Error
	if errors.As(err, &network) {
		return true
	}
	return slices.ContainsFunc([]error{
		context.DeadlineExceeded, driver.ErrBadConn, io.EOF, io.ErrUnexpectedEOF, io.ErrShortWrite,
		sql.ErrConnDone, sql.ErrTxDone, // the transaction was rolled back on timeout while it was in use
		mysql.ErrInvalidConn, mysql.ErrMalformPkt, mysql.ErrPktSync, mysql.ErrPktSyncMul,
		syscall.ENOENT, // the server's socket file is not there
	}, func(broken error) bool { return errors.Is(err, broken) })
}

// explain makes a *shop.Error of what a database driver returned, unless it is one already. The
// caller's own ctx distinguishes a caller that gave up from a database that did not answer in time.
func explain(ctx context.Context, err error) error {
	var known *shop.Error
	switch {
	case err == nil, errors.As(err, &known):
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	}
	failure := failures[meaningOf(err)]
	if failure.Detail == "" {
		failure = shop.Error{Kind: shop.Internal, Detail: "The database refused the request."}
	}
	failure.Err = err
	return &failure
}

// failures are what a caller hears of work that is not done, and has left nothing behind.
var failures = map[meaning]shop.Error{
	again: {Kind: shop.Busy, RetryAfter: time.Second, Detail: "Others were writing the same; try again."},
	busy: {Kind: shop.Busy, RetryAfter: time.Second,
		Detail: "The database takes no more work now; try again later."},
	full: {Kind: shop.Full, Detail: "The database has no room left; nothing was stored."},
	readOnly: {Kind: shop.Unavailable, RetryAfter: awayFor,
		Detail: "The database takes no writes now; try again later."},
	away:   {Kind: shop.Unavailable, RetryAfter: awayFor, Detail: "The database does not answer; try again later."},
	ending: {Kind: shop.Unavailable, RetryAfter: awayFor, Detail: "The database does not answer; try again later."},
}

// awayFor is when to ask a database again that does not answer.
const awayFor = 2 * time.Second

// IsAway reports whether a driver's error means that the database cannot work now, whatever it is asked.
func IsAway(err error) bool { return meaningOf(err) >= again }

// isUndone reports whether a transaction whose COMMIT failed has certainly left nothing behind: COMMIT was never sent,
// or the database reports that it rolled back. All else is uncertain: a server that commits may still break off,
// be killed or shut down before it reports that.
func isUndone(err error) bool {
	if code, ok := sqliteCode(err); ok {
		return code&0xff == sqlite3.SQLITE_FULL || code&0xff == sqlite3.SQLITE_BUSY
	}
	switch meaningOf(err) {
	case again, readOnly:
		return true
	}
	// database/sql looks at the context before it sends COMMIT, and never afterwards; a driver may say ErrBadConn
	// only of what the server has not done.
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, sql.ErrTxDone) || errors.Is(err, driver.ErrBadConn)
}

// isRefusal reports whether the database refused a row: of that statement nothing has happened, and the
// transaction goes on. Any other error may have ended the transaction.
func isRefusal(err error) bool {
	var my *mysql.MySQLError
	if errors.As(err, &my) {
		class := string(my.SQLState[:2])
		return class == "22" || class == "23" || class == "45" // bad data, a constraint, a trigger's SIGNAL
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
