package main

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"time"

	_ "github.com/go-sql-driver/mysql"
	_ "modernc.org/sqlite"

	"github.com/woodytoys/woodytoys/benchmarks/pairs/replica"
	"github.com/woodytoys/woodytoys/benchmarks/pairs/versus"
	"github.com/woodytoys/woodytoys/internal/programs"
)

// database is a kind of database, as a program beside the API fills it.
type database struct {
	name, driver string
	// toys selects the ids and names of toys %[1]d to %[2]d.
	toys string
}

var (
	sqlite = database{"SQLite", "sqlite", `WITH RECURSIVE seq(i) AS (SELECT %[1]d UNION ALL SELECT i + 1 FROM seq
		WHERE i < %[2]d) SELECT i, 'toy ' || i FROM seq`}
	mysql = database{"MariaDB", "mysql", "SELECT seq, CONCAT('toy ', seq) FROM seq_%[1]d_to_%[2]d"}
)

// batch is how many products a transaction adds.
const batch = 250_000

// startFilled starts a replica on a new database with n products.
func startFilled(db database, program, dir, name, dsn string, n int) (versus.Side, *programs.Shop, error) {
	side, shop, err := replica.StartUncached(program, dir, name, dsn)
	if err != nil {
		return side, nil, err
	}
	address := dsn
	if db.driver == "sqlite" {
		address = "file:" + sqliteFile(dir, name) + "?_pragma=busy_timeout(60000)&_pragma=synchronous(off)"
	}
	if err := db.fill(address, n); err != nil {
		shop.Kill()
		return side, nil, err
	}
	return side, shop, nil
}

func sqliteFile(dir, name string) string { return filepath.Join(dir, name, "woody.db") }

// fill adds products past the API until there are n; the first two are there. It counts them itself, since a trigger
// for each row would take most of the time.
func (d database) fill(address string, n int) error {
	db, err := sql.Open(d.driver, address)
	if err != nil {
		return err
	}
	defer db.Close()
	began := time.Now()
	trigger, err := d.trigger(db)
	if err != nil {
		return err
	}
	statements := []string{"DROP TRIGGER product_added"}
	for from := 3; from <= n; from += batch {
		toys := fmt.Sprintf(d.toys, from, min(from+batch-1, n))
		statements = append(statements, "INSERT INTO product (id, name) "+toys)
	}
	counted := fmt.Sprintf("UPDATE product_tally SET n = n + %d LIMIT 1", n-2)
	if d.driver == "sqlite" {
		counted = fmt.Sprintf("UPDATE product_tally SET n = n + %d WHERE connection = 0", n-2)
	}
	for _, statement := range append(statements, counted, trigger) {
		if _, err := db.Exec(statement); err != nil {
			return err
		}
	}
	fmt.Fprintf(os.Stderr, "%s: %d products after %v\n", d.name, n, time.Since(began).Round(time.Millisecond))
	return nil
}

// trigger returns the statement that makes the trigger that counts additions.
func (d database) trigger(db *sql.DB) (statement string, err error) {
	if d.driver == "sqlite" {
		err = db.QueryRow("SELECT sql FROM sqlite_master WHERE name = 'product_added'").Scan(&statement)
		return statement, err
	}
	err = db.QueryRow(`SELECT CONCAT('CREATE TRIGGER product_added AFTER INSERT ON product FOR EACH ROW ', action_statement)
		FROM information_schema.triggers WHERE trigger_schema = DATABASE() AND trigger_name = 'product_added'`).
		Scan(&statement)
	return statement, err
}
