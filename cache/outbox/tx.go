package outbox

import (
	"context"
	"database/sql"
	"database/sql/driver"
)

// Execer is a transaction to Record in: *sql.Tx, *sqlx.Tx, GORM's tx.Statement.ConnPool, ent's *Tx, or an ExecFunc.
// With a *sql.DB in its place the record outlives a write that is rolled back: it is carried out for nothing.
type Execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// Queryer is a transaction that Uncached.Record reads in, too.
type Queryer interface {
	Execer
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// ExecFunc is an Execer made of a function that returns the number of rows it changed, for transactions that are not
// database/sql's, such as pgx's own:
//
//	outbox.ExecFunc(func(ctx context.Context, query string, args ...any) (int64, error) {
//		tag, err := tx.Exec(ctx, query, args...)
//		return tag.RowsAffected(), err
//	})
type ExecFunc func(ctx context.Context, query string, args ...any) (int64, error)

// ExecContext calls f.
func (f ExecFunc) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	n, err := f(ctx, query, args...)
	return driver.RowsAffected(n), err
}
