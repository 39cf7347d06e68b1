package outbox

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/woodytoys/woodytoys/cache/internal/broken"
	"github.com/woodytoys/woodytoys/cache/ledger"
)

const (
	claimFor   = 3 * time.Minute
	claimEvery = time.Minute
)

const (
	stateSQL = "SELECT epoch, token, wire, run, ledger, used_until_us - {now}, used_until_us > 0" +
		" FROM {cache} WHERE id = 1"
	claimSQL   = "UPDATE {cache} SET used_until_us = {now} + ? WHERE id = 1"
	reclaimSQL = "UPDATE {cache} SET used_until_us = {now} + ?, epoch = epoch + 1, token = ?," +
		" bumps = LEFT(CONCAT({text}, ',', bumps), 1024) WHERE id = 1 AND used_until_us <= {now}"
)

// readState reads the epoch, and notes in the database now and then that there are caches, for writers that
// have none: see Uncached. The first to do so waits for the transactions of writers who have just read that
// there are none. A claim that was lost, with the database that it was made to, is made again before
// anything is answered.
func (o *Outbox) readState(ctx context.Context, conn *sql.Conn) (state ledger.State, err error) {
	for range 2 {
		var c claim
		if state, c, err = o.readClaim(ctx, conn); err != nil {
			return state, err
		}
		if c.left > claimFor-claimEvery || c.left > 0 && time.Now().UnixNano() < o.claimAgain.Load() {
			return state, nil
		}
		o.claimAgain.Store(time.Now().Add(claimEvery / 10).UnixNano())
		if err = o.claim(ctx, conn, c); err != nil && c.left <= 0 {
			return state, err
		}
	}
	return state, nil
}

// claim is a note that there are caches.
type claim struct {
	left   time.Duration // until it runs out
	before bool          // it was made, whether it has run out or not
}

func (o *Outbox) readClaim(ctx context.Context, conn *sql.Conn) (state ledger.State, c claim, err error) {
	var leftUs int64
	row := conn.QueryRowContext(ctx, o.sql.state)
	err = row.Scan(&state.Epoch, &state.Token, &state.Wire, &state.Run, &state.Ledger, &leftUs, &c.before)
	if err == nil && state.Ledger == "" {
		err = errNameless
	}
	c.left = time.Duration(leftUs) * time.Microsecond
	return state, c, err
}

// claim makes a claim, or has it last longer. One that has run out is made with a bump of the epoch: since it did,
// writers without a cache have recorded nothing, and what is in Redis from before may be older than what they wrote.
func (o *Outbox) claim(ctx context.Context, conn *sql.Conn, c claim) error {
	if c.left > 0 || !c.before || broken.Epoch {
		_, err := conn.ExecContext(ctx, o.sql.claim, claimFor.Microseconds())
		return err
	}
	token := newToken()
	_, err := conn.ExecContext(ctx, o.sql.reclaim, claimFor.Microseconds(), token, token)
	return err
}

// errNameless is a ledger whose table is newer than its row, or was copied for another program.
var errNameless = errors.New("the cache's ledger has no name: Migrate gives it one")
