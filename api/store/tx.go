package store

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"time"

	"github.com/woodytoys/woodytoys/api/callers"
	"github.com/woodytoys/woodytoys/api/shop"
)

const (
	// maxTries is how often a transaction that lost against others is tried in all. Two nodes of a cluster that are
	// written at once have many lose.
	maxTries = 16
	// firstPause is the longest rest before the second try; each later one is twice as long, up to lastPause.
	firstPause = 4 * time.Millisecond
	lastPause  = 64 * time.Millisecond
)

// tx runs f in a transaction and commits it when f returns nil. A transaction that the database undid for the sake of
// others is done again in its place, a few times and within the pool's timeout: f may run more than once. The error
// is Uncertain where the transaction may have been committed; with any other nothing has happened.
func (p *pool) tx(ctx context.Context, level sql.IsolationLevel, f func(ctx context.Context, tx *sql.Tx) error) error {
	var by string
	err := p.run(ctx, func(ctx context.Context, conn held) error {
		by = conn.name()
		ctx, cancel := callers.Begun(ctx) // once begun, it is finished even if the caller leaves
		defer cancel()
		pause := firstPause
		for try := 1; ; try++ {
			err := once(ctx, conn.Conn, level, f)
			if meaningOf(err) != again || try == maxTries {
				return err
			}
			select {
			case <-time.After(rand.N(pause)):
				pause = min(2*pause, lastPause)
			case <-ctx.Done():
				return err
			}
		}
	})
	p.note(ctx, ForWrite, by, err)
	p.room.note(err)
	return err
}

func once(ctx context.Context, conn *sql.Conn, level sql.IsolationLevel,
	f func(ctx context.Context, tx *sql.Tx) error) error {
	tx, err := conn.BeginTx(ctx, &sql.TxOptions{Isolation: level})
	if err != nil {
		return err
	}
	defer tx.Rollback() // after a commit it does nothing
	if err := f(ctx, tx); err != nil {
		return err
	}
	if err = tx.Commit(); err != nil && !isUndone(err) {
		return uncertain(err)
	}
	return err
}

func uncertain(err error) error {
	return &shop.Error{
		Kind: shop.Uncertain, Err: err,
		Detail: "The database broke off before it had answered. " + shop.MayBeDone,
	}
}
