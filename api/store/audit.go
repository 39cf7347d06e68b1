package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/woodytoys/woodytoys/api/audit"
	"github.com/woodytoys/woodytoys/api/slots"
)

// AuditSuffix is what the name of the audit's database has after that of the shop's.
const AuditSuffix = "_audit"

const (
	maxAuditWorkers = 2    // one fills its statement while the other waits for its own
	maxAuditGroup   = 256  // entries in one statement
	maxAuditWaiting = 4096 // entries in memory

	// auditPatience is how long an entry waits for a connection, and then for its statement. The request that it is of
	// waits as long.
	auditPatience = time.Second
)

// auditing is an entry that waits to be added, with others in one statement.
type auditing struct {
	waiter
	entry audit.Entry
}

// AddEntry implements audit.Table. An error may be that of an entry that is there all the same.
func (s *Store) AddEntry(ctx context.Context, e audit.Entry) error {
	if s.audits == nil {
		return errors.New("this store was opened without an audit")
	}
	if s.auditQueue.len() >= maxAuditWaiting {
		return noConnection(errAuditBusy)
	}
	a := &auditing{waiter: newWaiter(ctx), entry: e}
	if s.auditQueue.add(a) {
		go s.auditQueue.run(s.addEntries)
	}
	// A caller who leaves has done what the entry says.
	if err := s.auditQueue.wait(context.WithoutCancel(ctx), a, a.done, s.auditWait); err != nil {
		return err
	}
	<-a.done // it is done, or in a statement, whose time is bounded
	return a.err
}

var errAuditBusy = fmt.Errorf("%d entries wait already: %w", maxAuditWaiting, slots.ErrBusy)

// addEntries adds what waits, and returns the error of all of it.
func (s *Store) addEntries() (group []*auditing, settle func() error) {
	group = s.auditQueue.take()
	err := s.insertEntries(group)
	return group, func() error { return err }
}

const auditColumns = "id, at_us, account, method, route, thing, address, outcome, status, request, times"

// insertEntries adds a group, all of it or nothing.
func (s *Store) insertEntries(group []*auditing) error {
	if len(group) == 0 {
		return nil
	}
	const row = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
	args := make([]any, 0, len(group)*strings.Count(row, "?"))
	for _, a := range group {
		e := a.entry
		args = append(args, e.ID, e.At.UnixMicro(), e.Account, e.Method, e.Route, e.Thing, e.From, string(e.Outcome),
			e.Status, e.Request, e.Times)
	}
	statement := "INSERT INTO " + s.auditTable + " (" + auditColumns + ") VALUES " +
		row + strings.Repeat(", "+row, len(group)-1)
	ctx, cancel := context.WithTimeout(context.Background(), 2*s.auditWait) // a file's writer may be somebody else's
	defer cancel()
	return s.audits.runFor(ctx, s.auditWait, func(ctx context.Context, conn held) error {
		for try := 1; ; try++ {
			_, err := conn.ExecContext(ctx, statement, args...)
			if meaningOf(err) != again || try == maxTries {
				return err
			}
		}
	})
}

// openAudit readies a store for the audit; pool is for its statements alone, or for all writes.
func (s *Store) openAudit(database string, p *pool) {
	s.audits, s.auditWait = p, auditPatience
	s.auditQueue.queue = newQueue[*auditing](maxAuditWorkers, maxAuditGroup)
	if s.auditTable = sqliteAuditTable; s.remote {
		s.auditDatabase = database + AuditSuffix
		s.auditTable = quoteName(s.auditDatabase) + ".entry"
	}
}

func quoteName(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// On a database server the audit has a database of its own, so that the API's user may add entries and no more. Each
// statement may be run again from any point, by several replicas at once. Neither user of the API may change what is
// there: the one who makes the table needs no right to drop it.
const mysqlAudit = ` (
	id      CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
	at_us   BIGINT NOT NULL,
	account VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	method  VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	route   VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	thing   VARCHAR(300) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	address VARCHAR(45) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	outcome VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	status  SMALLINT NOT NULL,
	request VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	times   BIGINT NOT NULL,
	INDEX entry_at (at_us),
	INDEX entry_account (account, at_us),
	INDEX entry_request (request)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4`

const sqliteAuditTable = "audit_entry"

// In a file nothing keeps the process from changing it; the trigger keeps a mistake from it. What is old may be
// removed.
var sqliteAudit = []string{
	`CREATE TABLE IF NOT EXISTS audit_entry (
		id      TEXT NOT NULL PRIMARY KEY,
		at_us   INTEGER NOT NULL,
		account TEXT NOT NULL,
		method  TEXT NOT NULL,
		route   TEXT NOT NULL,
		thing   TEXT NOT NULL,
		address TEXT NOT NULL,
		outcome TEXT NOT NULL,
		status  INTEGER NOT NULL,
		request TEXT NOT NULL,
		times   INTEGER NOT NULL
	)`,
	"CREATE INDEX IF NOT EXISTS audit_entry_at ON audit_entry (at_us)",
	`CREATE TRIGGER IF NOT EXISTS audit_entry_stays BEFORE UPDATE ON audit_entry
		BEGIN SELECT RAISE(ABORT, 'entries of the audit are not changed'); END`,
}

// migrateAudit makes the audit's table. It is no step of the schema: a shop without accounts has none, and its users
// need no rights for it.
func (s *Store) migrateAudit(ctx context.Context, conn *sql.Conn) error {
	if s.audits == nil {
		return nil
	}
	statements := sqliteAudit
	if s.remote {
		var there bool // a user who may not make a database is not to try
		err := conn.QueryRowContext(ctx, "SELECT COUNT(*) > 0 FROM information_schema.tables "+
			"WHERE table_schema = ? AND table_name = 'entry'", s.auditDatabase).Scan(&there)
		if err != nil || there {
			return err
		}
		statements = []string{"CREATE DATABASE IF NOT EXISTS " + quoteName(s.auditDatabase),
			"CREATE TABLE IF NOT EXISTS " + s.auditTable + mysqlAudit}
	}
	for _, statement := range statements {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return s.auditError(err)
		}
	}
	return nil
}

// mayAudit returns an error unless the user who adds entries may: nothing else would show it before the first write. A
// migration by another user shows nothing of it.
func (s *Store) mayAudit(ctx context.Context) error {
	if s.audits == nil || !s.remote {
		return nil
	}
	bounded, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	_, err := s.audits.db.ExecContext(bounded, "INSERT INTO "+s.auditTable+" ("+auditColumns+") "+
		"SELECT '', 0, '', '', '', '', '', '', 0, '', 0 FROM DUAL WHERE FALSE")
	if err != nil {
		return s.auditError(err)
	}
	return nil
}

// errNoAudit is an audit that is not there for a user of the database.
type errNoAudit struct{ error }

func (e errNoAudit) Unwrap() error { return e.error }

func (s *Store) auditError(err error) error {
	my := (*mysql.MySQLError)(nil)
	if !errors.As(err, &my) || my.Number != 1044 && my.Number != 1142 && my.Number != 1227 && my.Number != 1049 {
		return fmt.Errorf("make the audit's table %s: %w", s.auditTable, err)
	}
	name := quoteName(s.auditDatabase)
	to := strings.ReplaceAll(name, "_", `\_`) // which stands for any character in a GRANT
	return errNoAudit{fmt.Errorf("the audit, which accounts need (WOODY_ACCOUNTS), is not to be had: %w. "+
		"scripts/secrets and scripts/deploy see to it; by hand, as the database's administrator: CREATE DATABASE %s; "+
		"GRANT CREATE, INSERT ON %s.* TO the user of WOODY_DB_MIGRATE_DSN; "+
		"GRANT INSERT ON %s.* TO that of WOODY_DB_DSN",
		err, name, to, to)}
}

var _ audit.Table = (*Store)(nil)
