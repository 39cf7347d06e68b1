package outbox

import (
	"context"
	"database/sql"
	"strings"
)

// Remove implements ledger.Ledger.
func (o *Outbox) Remove(ctx context.Context, records []int64, bump string) error {
	if len(records) == 0 {
		return nil
	}
	return o.on(ctx, func(conn *sql.Conn) error { return remove(ctx, conn, records, bump) })
}

// remove deletes records that were carried out, but of those that were handed over it notes that they were.
func remove(ctx context.Context, conn *sql.Conn, records []int64, bump string) error {
	which, args := in(records)
	statement := "DELETE FROM woody_outbox WHERE id IN " + which + " AND recorded_us > ? AND recorded_us <= " + nowUs +
		" AND " + hasBump
	done, err := conn.ExecContext(ctx, statement, append(args, taken, bump, bump)...)
	if err != nil || bump != "" {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n == int64(len(records)) {
		return err
	}
	return carriedOut(ctx, conn, records)
}

// in returns the list of an IN, and what it takes.
func in(ids []int64) (list string, args []any) {
	for _, id := range ids {
		args = append(args, id)
	}
	return "(" + strings.Repeat(",?", len(ids))[1:] + ")", args
}
