package outbox

import (
	"context"
	"database/sql"
)

// mysqlTables are made where they are missing. Without transactions, as on MyISAM, a record could come apart from its
// write.
var mysqlTables = []string{
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

// mysqlColumns are added to tables of a release before. Each has a default, for writers of that release.
var mysqlColumns = []struct{ table, column, definition string }{
	{"{cache}", "token", "VARCHAR(32) NOT NULL DEFAULT ''"},
	{"{cache}", "bumps", "VARCHAR(1024) NOT NULL DEFAULT ''"}, // the tokens of the last ones, newest first
	{"{cache}", "ledger", "VARCHAR(32) NOT NULL DEFAULT ''"},
}

func (o *Outbox) migrateMySQL(ctx context.Context, conn *sql.Conn) error {
	say := o.cfg.Dialect.say(o.cfg.Namespace)
	for _, table := range mysqlTables {
		if _, err := conn.ExecContext(ctx, say(table)); err != nil {
			return err
		}
	}
	for _, c := range mysqlColumns {
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
