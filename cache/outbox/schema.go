package outbox

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"fmt"
)

// tables are made where they are missing. Without transactions, as on MyISAM, a record could come apart from its write.
var tables = []string{
	`CREATE TABLE IF NOT EXISTS {cache} (
		id            TINYINT NOT NULL PRIMARY KEY,
		epoch         BIGINT NOT NULL,
		wire          INT NOT NULL,
		run           VARCHAR(64) NOT NULL DEFAULT '',
		used_until_us BIGINT NOT NULL DEFAULT 0,
		token         VARCHAR(32) NOT NULL DEFAULT '',
		bumps         VARCHAR(1024) NOT NULL DEFAULT '',
		ledger        VARCHAR(32) NOT NULL DEFAULT ''
	) ENGINE = InnoDB`,
	`CREATE TABLE IF NOT EXISTS {outbox} (
		id          BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
		tags        MEDIUMTEXT NOT NULL,
		recorded_us BIGINT NOT NULL,
		INDEX {outbox}_recorded (recorded_us)
	) ENGINE = InnoDB`,
}

// columns are added to tables of a release before. Each has a default, for writers of that release.
var columns = []struct{ table, column, definition string }{
	{"{cache}", "token", "VARCHAR(32) NOT NULL DEFAULT ''"},
	{"{cache}", "bumps", "VARCHAR(1024) NOT NULL DEFAULT ''"}, // the tokens of the last ones, newest first
	{"{cache}", "ledger", "VARCHAR(32) NOT NULL DEFAULT ''"},
}

// newToken returns what no epoch, and no ledger, had before.
func newToken() string { return rand.Text()[:13] } // 65 bits

// newRecord returns an id that no record had before. They are not counted: a database that comes back without its last
// records would count on from before, and what is done late for a record that it lost be done to another.
func newRecord() int64 {
	var b [8]byte
	rand.Read(b[:])                                  // never fails
	return int64(binary.BigEndian.Uint64(b[:]) >> 2) // far from the end, for a release that counts on from the largest
}

// Migrate makes the tables where they are missing, and adds what those of a release before lack. Several replicas may
// call it at once. The error is ErrReadOnly where the server takes no writes.
func (o *Outbox) Migrate(ctx context.Context) error {
	return o.on(ctx, func(conn *sql.Conn) error {
		if err := o.migrate(ctx, conn); err != nil {
			return fmt.Errorf("make the cache's tables: %w", err)
		}
		return nil
	})
}

func (o *Outbox) migrate(ctx context.Context, conn *sql.Conn) error {
	say := o.cfg.Dialect.words(o.cfg.Namespace).Replace
	for _, table := range tables {
		if _, err := conn.ExecContext(ctx, say(table)); err != nil {
			return err
		}
	}
	for _, c := range columns {
		if err := addColumn(ctx, conn, say(c.table), c.column, c.definition); err != nil {
			return err
		}
	}
	insert := say("INSERT IGNORE INTO {cache} (id, epoch, wire, token) VALUES (1, 1, 1, ?)")
	if _, err := conn.ExecContext(ctx, insert, newToken()); err != nil {
		return err
	}
	return nameLedger(ctx, conn, say)
}

// addColumn adds a column unless it is there. MySQL has no ADD COLUMN IF NOT EXISTS; and one that is there is not to
// be waited for behind the transactions that use its table.
func addColumn(ctx context.Context, conn *sql.Conn, table, column, definition string) error {
	there, err := hasColumn(ctx, conn, table, column)
	if err != nil || there {
		return err
	}
	_, err = conn.ExecContext(ctx, "ALTER TABLE "+table+" ADD COLUMN "+column+" "+definition)
	if err == nil {
		return nil
	}
	if there, again := hasColumn(ctx, conn, table, column); again == nil && there {
		return nil // another replica was faster
	}
	return err
}

func hasColumn(ctx context.Context, conn *sql.Conn, table, column string) (there bool, err error) {
	err = conn.QueryRowContext(ctx, `SELECT COUNT(*) > 0 FROM information_schema.COLUMNS
		WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? AND COLUMN_NAME = ?`, table, column).Scan(&there)
	return there, err
}

// nameLedger gives the ledger its name, once. One that has a name is not written to: that would wait for the
// transactions that have read it.
func nameLedger(ctx context.Context, conn *sql.Conn, say func(string) string) error {
	var name string
	err := conn.QueryRowContext(ctx, say("SELECT ledger FROM {cache} WHERE id = 1")).Scan(&name)
	if err != nil || name != "" {
		return err
	}
	_, err = conn.ExecContext(ctx, say("UPDATE {cache} SET ledger = ? WHERE id = 1 AND ledger = ''"), newToken())
	return err
}
