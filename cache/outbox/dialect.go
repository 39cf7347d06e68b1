package outbox

import (
	"strings"

	"github.com/woodytoys/woodytoys/cache/internal/broken"
)

// Dialect is which database an outbox is in.
type Dialect int

const (
	MySQL    Dialect = iota // and MariaDB
	Postgres                // PostgreSQL
)

// String returns the dialect's name.
func (d Dialect) String() string {
	switch d {
	case MySQL:
		return "MySQL"
	case Postgres:
		return "PostgreSQL"
	}
	return "an unknown dialect"
}

// TakesWrites returns SQL that is true where the server that runs it takes writes. Whoever fills a cache selects it
// beside what he reads, and keeps only what a server that does has answered: where a primary may be replaced by another
// server, connections may be left that lead to the old one.
func (d Dialect) TakesWrites() string {
	// MariaDB 12's read_only is a word.
	return "CAST(@@GLOBAL.read_only AS CHAR) IN ('0', 'OFF') AND @@GLOBAL.innodb_read_only = 0"
}

// proof is TakesWrites, unless that rule is switched off.
func (d Dialect) proof() string {
	if broken.Proof {
		return "1 = 1"
	}
	return d.TakesWrites()
}

// words is what stands for the words in braces of a statement.
func (d Dialect) words(namespace string) *strings.Replacer {
	return strings.NewReplacer(
		"{cache}", namespace+"_cache", "{outbox}", namespace+"_outbox", "{proof}", d.proof(),
		// The time by the database's clock, in microseconds since 1970.
		"{now}", "CAST(UNIX_TIMESTAMP(SYSDATE(6)) * 1000000 AS SIGNED)",
	)
}
