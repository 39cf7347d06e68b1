package outbox

import (
	"context"
	"database/sql"
	"time"
)

// The limit is there so that looking at a long outbox does not make it longer.
const backlogSQL = "SELECT COUNT(*), COALESCE({now} - MIN(recorded_us), 0) FROM (SELECT recorded_us FROM {outbox}" +
	" WHERE recorded_us > ? AND recorded_us <= {now} ORDER BY recorded_us LIMIT 10000) AS records"

// Backlog returns how many records are there, up to 10,000, and how old the oldest is; 0 and 0 when there are none.
// Records that were handed over to other replicas are not among them. A write's record is there from its commit until
// it is settled, which is a matter of milliseconds: one that is older than a few leases is carried out by nobody.
func (o *Outbox) Backlog(ctx context.Context) (records int, oldest time.Duration, err error) {
	err = o.on(ctx, func(conn *sql.Conn) error {
		var oldestUs int64
		if err := conn.QueryRowContext(ctx, o.sql.backlog, taken).Scan(&records, &oldestUs); err != nil {
			return err
		}
		oldest = time.Duration(max(oldestUs, 0)) * time.Microsecond
		return nil
	})
	return records, oldest, err
}
