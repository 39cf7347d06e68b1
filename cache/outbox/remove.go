package outbox

import (
	"context"
	"database/sql"
	"time"
)

// Remove implements ledger.Ledger.
func (o *Outbox) Remove(ctx context.Context, records []int64, bump string) error {
	if len(records) == 0 {
		return nil
	}
	return o.on(ctx, func(conn *sql.Conn) error { return o.remove(ctx, conn, records, bump) })
}

// mostAhead is how much the clock of one server may be ahead of another's. A write's record may be younger than now by
// so much, where another server has made it. One that was handed over and carried out is younger by keptFor.
const mostAhead = time.Minute

const removeSQL = "DELETE FROM {outbox} WHERE id IN {ids} AND recorded_us > ?" +
	" AND recorded_us <= {now} + ? AND " + bumpThere

// remove deletes records that were carried out, but of those that were handed over it notes that they were.
func (o *Outbox) remove(ctx context.Context, conn *sql.Conn, records []int64, bump string) error {
	statement, args := o.cfg.Dialect.in(o.sql.remove, records)
	done, err := conn.ExecContext(ctx, statement, append(args, taken, mostAhead.Microseconds(), bump, bump)...)
	if err != nil || bump != "" {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n == int64(len(records)) {
		return err
	}
	return o.carriedOut(ctx, conn, records)
}
