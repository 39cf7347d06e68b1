package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/woodytoys/woodytoys/cache/ledger"
)

// The epoch that it is bumped to is LAST_INSERT_ID in MySQL, which returns nothing of an UPDATE.
const (
	bumpSQL = `UPDATE {cache} SET epoch = LAST_INSERT_ID(GREATEST(epoch + 1, ?)), token = ?,
		bumps = LEFT(CONCAT(?, ',', bumps), 1024), wire = GREATEST(wire, ?), run = IF(? = '', run, ?)
		WHERE id = 1 AND {proof}`
	bumpPostgresSQL = `UPDATE {cache} SET epoch = GREATEST(epoch + 1, ?), token = ?,
		bumps = LEFT({text} || ',' || bumps, 1024), wire = GREATEST(wire, ?),
		run = CASE WHEN {text} = '' THEN run ELSE ? END
		WHERE id = 1 AND {proof} RETURNING epoch`
)

// Bump implements ledger.Ledger. It is one statement, so that a replica which is lost in the middle of it
// leaves no lock behind.
func (o *Outbox) Bump(ctx context.Context, least ledger.State) (state ledger.State, err error) {
	err = o.on(ctx, func(conn *sql.Conn) (err error) {
		state, err = o.bump(ctx, conn, least)
		return err
	})
	return state, err
}

func (o *Outbox) bump(ctx context.Context, conn *sql.Conn, least ledger.State) (state ledger.State, err error) {
	token := newToken()
	bumped, err := o.bumpTo(ctx, conn, least.Epoch, token, token, least.Wire, least.Run, least.Run)
	if err != nil {
		return state, err
	}
	err = o.try(func() (err error) { // the reading alone, or there would be another bump
		state, _, err = o.readClaim(ctx, conn) // a writer without a cache makes no claim
		return err
	})
	if err != nil {
		return state, err
	}
	if mine := (ledger.State{Epoch: uint64(bumped), Token: token}); !state.Follows(mine) {
		return state, fmt.Errorf("the epoch was bumped to %s, and is %s: the database has gone back", mine.Name(),
			state.Name())
	}
	return state, nil
}

// bumpTo returns the epoch that was bumped to.
func (o *Outbox) bumpTo(ctx context.Context, conn *sql.Conn, args ...any) (epoch int64, err error) {
	if o.cfg.Dialect == Postgres {
		err = conn.QueryRowContext(ctx, o.sql.bump, args...).Scan(&epoch)
		if errors.Is(err, sql.ErrNoRows) {
			err = ErrReadOnly
		}
		return epoch, err
	}
	done, err := conn.ExecContext(ctx, o.sql.bump, args...)
	if err := changed(done, err); err != nil {
		return 0, err
	}
	return done.LastInsertId()
}
