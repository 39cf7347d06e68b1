package outbox

import (
	"context"
	"database/sql"
	"time"

	"github.com/woodytoys/woodytoys/cache/ledger"
)

// provedFor is how long one proof counts as the one before a look. A server evaluates a proof when it likes, maybe
// after it has read. Two proofs hold what lies between them, unless a server is made read-only and a primary again in
// between; nobody does that so fast.
const provedFor = 500 * time.Millisecond

const lookSQL = "SELECT epoch, token, wire, run, ledger, {proof} FROM {cache} WHERE id = 1"

// Look implements ledger.Ledger. It is one statement where the connection has proved a moment ago that its server takes
// writes; otherwise the server is asked first.
func (o *Outbox) Look(ctx context.Context) (state ledger.State, err error) {
	err = o.try(func() error {
		return o.with(ctx, func(conn *sql.Conn, known *link) (err error) {
			if before := known.writableAt; time.Since(before) < provedFor {
				state, err = o.look(ctx, conn, known)
				if err != nil || time.Since(before) < provedFor {
					return err
				}
			}
			if err := o.prove(ctx, conn, known); err != nil {
				return err
			}
			state, err = o.look(ctx, conn, known)
			return err
		})
	})
	return state, err
}

func (o *Outbox) look(ctx context.Context, conn *sql.Conn, known *link) (state ledger.State, err error) {
	asked := time.Now()
	var proved bool
	row := conn.QueryRowContext(ctx, o.sql.look)
	if err := row.Scan(&state.Epoch, &state.Token, &state.Wire, &state.Run, &state.Ledger, &proved); err != nil {
		return state, err
	}
	return state, o.note(known, asked, proved)
}
