package outbox

import (
	"context"
	"database/sql"
	"fmt"
	"hash/fnv"
)

// postgresTables are made where a statement finds none of that name.
var postgresTables = []struct{ name, definition string }{
	{"{cache}", `CREATE TABLE {cache} (
		id            SMALLINT NOT NULL PRIMARY KEY,
		epoch         BIGINT NOT NULL,
		wire          INT NOT NULL,
		run           VARCHAR(64) NOT NULL DEFAULT '',
		used_until_us BIGINT NOT NULL DEFAULT 0,
		token         VARCHAR(32) NOT NULL DEFAULT '',
		bumps         VARCHAR(1024) NOT NULL DEFAULT '',
		ledger        VARCHAR(32) NOT NULL DEFAULT ''
	)`},
	{"{outbox}", `CREATE TABLE {outbox} (
		id          BIGINT NOT NULL PRIMARY KEY,
		tags        TEXT NOT NULL,
		recorded_us BIGINT NOT NULL
	)`},
	{"{outbox}_recorded", "CREATE INDEX {outbox}_recorded ON {outbox} (recorded_us)"},
}

// migratePostgres makes all or nothing. CREATE ... IF NOT EXISTS would fail where two do it at once, and wait for the
// transactions that use the table of an index that is there.
func (o *Outbox) migratePostgres(ctx context.Context, conn *sql.Conn) error {
	// READ COMMITTED, to see what the one before has made whom the lock waited for.
	tx, err := conn.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return err
	}
	defer tx.Rollback()
	say := o.cfg.Dialect.say(o.cfg.Namespace)
	if _, err := tx.ExecContext(ctx, say("SELECT pg_advisory_xact_lock({bigint})"), o.lockID()); err != nil {
		return err
	}
	for _, table := range postgresTables {
		var there bool
		row := tx.QueryRowContext(ctx, say("SELECT to_regclass({text}) IS NOT NULL"), say(table.name))
		if err := row.Scan(&there); err != nil {
			return err
		}
		if there {
			continue
		}
		if _, err := tx.ExecContext(ctx, say(table.definition)); err != nil {
			return err
		}
	}
	insert := say("INSERT INTO {cache} (id, epoch, wire, token) VALUES (1, 1, 1, ?) ON CONFLICT DO NOTHING")
	if _, err := tx.ExecContext(ctx, insert, newToken()); err != nil {
		return err
	}
	if err := nameLedger(ctx, tx, say); err != nil {
		return err
	}
	return tx.Commit()
}

// lockID returns the advisory lock of those who migrate a namespace's tables.
func (o *Outbox) lockID() int64 {
	hash := fnv.New64a()
	fmt.Fprintf(hash, "outbox %s", o.cfg.Namespace)
	return int64(hash.Sum64())
}
