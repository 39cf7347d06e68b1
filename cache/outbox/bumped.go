package outbox

import (
	"context"
	"database/sql"
)

// hasBump is SQL for whether the database has a bump, by its token: one that comes back without its last transactions
// has lost it, though the epoch may have come to the same number again. An empty token asks for none.
const hasBump = "(? = '' OR EXISTS (SELECT 1 FROM woody_cache WHERE id = 1 AND FIND_IN_SET(?, bumps) > 0))"

// HasBump implements ledger.Ledger.
func (o *Outbox) HasBump(ctx context.Context, token string) (has bool, err error) {
	err = o.on(ctx, func(conn *sql.Conn) (err error) {
		has, err = readBump(ctx, conn, token)
		return err
	})
	return has, err
}

func readBump(ctx context.Context, conn *sql.Conn, token string) (has bool, err error) {
	err = conn.QueryRowContext(ctx, "SELECT "+hasBump, token, token).Scan(&has)
	return has, err
}
