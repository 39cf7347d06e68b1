package clustertest

import (
	"database/sql"
	"fmt"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/woodytoys/woodytoys/cache/outbox"
)

// database is of MariaDB or PostgreSQL. Its statements have ? for their parameters.
type database struct {
	*sql.DB
	dialect outbox.Dialect
}

// openDatabase opens a database of the kind of its DSN.
func openDatabase(dsn string) (*database, error) {
	driver, dialect := "mysql", outbox.MySQL
	if strings.HasPrefix(dsn, "postgres:") {
		driver, dialect = "pgx", outbox.Postgres
	}
	db, err := sql.Open(driver, dsn)
	return &database{db, dialect}, err
}

// sql returns a statement as the database has it.
func (d *database) sql(statement string) string {
	for n := 1; d.dialect == outbox.Postgres && strings.Contains(statement, "?"); n++ {
		statement = strings.Replace(statement, "?", fmt.Sprint("$", n), 1)
	}
	return statement
}

func (d *database) Exec(statement string, args ...any) (sql.Result, error) {
	return d.DB.Exec(d.sql(statement), args...)
}

func (d *database) QueryRow(query string, args ...any) *sql.Row {
	return d.DB.QueryRow(d.sql(query), args...)
}
