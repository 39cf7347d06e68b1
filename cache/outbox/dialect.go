package outbox

import (
	"fmt"
	"strconv"
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
	if d == Postgres {
		return "NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off'"
	}
	// MariaDB 12's read_only is a string.
	return "CAST(@@GLOBAL.read_only AS CHAR) IN ('0', 'OFF') AND @@GLOBAL.innodb_read_only = 0"
}

// proof returns TakesWrites, unless that rule is switched off.
func (d Dialect) proof() string {
	if broken.Proof {
		return "1 = 1"
	}
	return d.TakesWrites()
}

// say returns a function that makes SQL of a statement with words in braces, which are the same in all dialects.
func (d Dialect) say(namespace string) func(statement string) string {
	words := []string{"{cache}", namespace + "_cache", "{outbox}", namespace + "_outbox", "{proof}", d.proof()}
	if d == Postgres {
		words := strings.NewReplacer(append(words, postgresWords...)...)
		return func(statement string) string { return numbered(words.Replace(statement)) }
	}
	return strings.NewReplacer(append(words, mysqlWords...)...).Replace
}

var mysqlWords = []string{
	// The time by the database's clock, in microseconds since 1970.
	"{now}", "CAST(UNIX_TIMESTAMP(SYSDATE(6)) * 1000000 AS SIGNED)",
	"{bigint}", "?", // a parameter, where its type does not follow from what is done with it
	"{text}", "?",
	"{nowhere}", "FROM DUAL",
	"{share}", "LOCK IN SHARE MODE",
	"{node}", nodeSQL,
	"{is in}", "FIND_IN_SET(?, bumps) > 0",
}

// In PostgreSQL now() would be when the transaction began. A list of ids is one parameter: see in.
var postgresWords = []string{
	"{now}", "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)",
	"{bigint}", "CAST(? AS BIGINT)",
	"{text}", "CAST(? AS TEXT)",
	"{nowhere}", "",
	"{share}", "FOR SHARE",
	"{node}", "FALSE",
	"{is in}", "position(',' || CAST(? AS TEXT) || ',' IN ',' || bumps || ',') > 0",
	"{ids}", "(SELECT CAST(unnest(string_to_array(CAST(? AS TEXT), ',')) AS BIGINT))",
}

// numbered makes a statement's parameters $1, $2 and so on.
func numbered(statement string) string {
	var b strings.Builder
	for n := 1; ; n++ {
		before, after, found := strings.Cut(statement, "?")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		b.WriteString("$" + strconv.Itoa(n))
		statement = after
	}
}

// in returns a statement with a list of ids for its {ids}, and what that takes.
func (d Dialect) in(statement string, ids []int64) (with string, args []any) {
	if d == Postgres {
		list := fmt.Sprint(ids)
		return statement, []any{strings.ReplaceAll(list[1:len(list)-1], " ", ",")}
	}
	for _, id := range ids {
		args = append(args, id)
	}
	list := "(" + strings.Repeat(",?", len(ids))[1:] + ")"
	return strings.Replace(statement, "{ids}", list, 1), args
}
