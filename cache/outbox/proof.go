package outbox

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
)

// ErrReadOnly is a server that takes no writes: it has been demoted, or is not the primary yet, or an operator made it
// read-only. It is a driver.ErrBadConn: nothing has happened, and another connection may lead elsewhere.
var ErrReadOnly error = readOnlyError{}

type readOnlyError struct{}

func (readOnlyError) Error() string { return "the database server is read-only" }
func (readOnlyError) Unwrap() error { return driver.ErrBadConn }

// changed returns ErrReadOnly for a statement that changes a row where its server takes writes, and has changed none.
func changed(done sql.Result, err error) error {
	if err != nil {
		return asReadOnly(err)
	}
	switch n, err := done.RowsAffected(); {
	case err != nil:
		return err
	case n == 0:
		return ErrReadOnly
	}
	return nil
}

// asReadOnly turns the error of a PostgreSQL server or session that takes no writes into ErrReadOnly.
func asReadOnly(err error) error {
	if sqlState(err) == "25006" && !errors.Is(err, ErrReadOnly) {
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	}
	return err
}

// sqlState returns the SQLSTATE of a driver's error, as those for PostgreSQL do; empty for others.
func sqlState(err error) string {
	var stateErr interface{ SQLState() string }
	if errors.As(err, &stateErr) {
		return stateErr.SQLState()
	}
	return ""
}
