package outbox

import (
	"context"
	"database/sql"
)

// bumpThere is whether the database has a bump, by its token, which it takes twice: one that comes back without its
// last transactions has lost it, though the epoch may have come to the same number again. An empty token asks for none.
const bumpThere = "({text} = '' OR EXISTS (SELECT 1 FROM {cache} WHERE id = 1 AND {is in}))"

const hasBumpSQL = "SELECT " + bumpThere

// HasBump implements ledger.Ledger.
func (o *Outbox) HasBump(ctx context.Context, token string) (has bool, err error) {
	err = o.on(ctx, func(conn *sql.Conn) (err error) {
		has, err = o.readBump(ctx, conn, token)
		return err
	})
	return has, err
}

func (o *Outbox) readBump(ctx context.Context, conn *sql.Conn, token string) (has bool, err error) {
	err = conn.QueryRowContext(ctx, o.sql.hasBump, token, token).Scan(&has)
	return has, err
}
