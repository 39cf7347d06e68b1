package outbox

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"fmt"
)

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
		migrate := o.migrateMySQL
		if o.cfg.Dialect == Postgres {
			migrate = o.migratePostgres
		}
		if err := migrate(ctx, conn); err != nil {
			return fmt.Errorf("make the cache's tables: %w", err)
		}
		return nil
	})
}

// nameLedger gives the ledger its name, once. One that has a name is not written to: that would wait for the
// transactions that have read it.
func nameLedger(ctx context.Context, conn Queryer, say func(string) string) error {
	var name string
	err := conn.QueryRowContext(ctx, say("SELECT ledger FROM {cache} WHERE id = 1")).Scan(&name)
	if err != nil || name != "" {
		return err
	}
	_, err = conn.ExecContext(ctx, say("UPDATE {cache} SET ledger = ? WHERE id = 1 AND ledger = ''"), newToken())
	return err
}
