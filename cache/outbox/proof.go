package outbox

import (
	"database/sql"
	"database/sql/driver"

	"github.com/woodytoys/woodytoys/cache/internal/broken"
)

// TakesWrites is SQL for whether the server that runs it takes writes. Whoever fills a cache selects it beside what he
// reads, and keeps only what a server that does has answered: where a primary may be replaced by another server,
// connections may be left that lead to the old one. MariaDB 12's read_only is a word.
const TakesWrites = "CAST(@@GLOBAL.read_only AS CHAR) IN ('0', 'OFF') AND @@GLOBAL.innodb_read_only = 0"

// ErrReadOnly is a server that takes no writes: it has been demoted, or is not the primary yet, or an operator made it
// read-only. It is a driver.ErrBadConn: nothing has happened, and another connection may lead elsewhere.
var ErrReadOnly error = readOnlyError{}

type readOnlyError struct{}

func (readOnlyError) Error() string { return "the database server is read-only" }
func (readOnlyError) Unwrap() error { return driver.ErrBadConn }

func takesWrites() string {
	if broken.Proof {
		return "1 = 1"
	}
	return TakesWrites
}

// changed returns ErrReadOnly for a statement that changes a row where its server takes writes, and has changed none.
func changed(done sql.Result, err error) error {
	if err != nil {
		return err
	}
	switch n, err := done.RowsAffected(); {
	case err != nil:
		return err
	case n == 0:
		return ErrReadOnly
	}
	return nil
}
