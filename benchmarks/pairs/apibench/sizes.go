package main

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite"

	"github.com/woodytoys/woodytoys/benchmarks/pairs/versus"
	"github.com/woodytoys/woodytoys/internal/servers"
)

const (
	few  = 1_000
	many = 1_000_000
)

// bySize compares each database read with few and with many products, on both databases.
func bySize(b versus.Bench, program, dir string) error {
	mariadb, err := servers.StartMariaDB()
	if err != nil {
		return err
	}
	defer mariadb.Close()
	for _, database := range []string{"SQLite", "MariaDB"} {
		if err := bySizeOn(b, database, program, dir, mariadb); err != nil {
			return fmt.Errorf("%s: %w", database, err)
		}
	}
	return nil
}

func bySizeOn(b versus.Bench, database, program, dir string, mariadb *servers.MariaDB) error {
	var sized [2]versus.Side
	for i, n := range []int{few, many} {
		name := fmt.Sprintf("%s-%d", database, n)
		dsn, driver, address := "", "sqlite", filepath.Join(dir, name, "woody.db")
		if database == "MariaDB" {
			var err error
			if dsn, err = mariadb.NewDatabase(); err != nil {
				return err
			}
			driver, address = "mysql", dsn
		}
		side, shop, err := startAPI(program, dir, name, dsn)
		if err != nil {
			return err
		}
		defer shop.Kill()
		if err := fill(driver, address, n); err != nil {
			return err
		}
		sized[i] = side
	}
	random := rand.New(rand.NewPCG(1, 2))
	var products [2][]string
	for i, n := range []int{few, many} {
		for range few {
			products[i] = append(products[i], fmt.Sprintf("/api/products/%d", 1+random.IntN(n)))
		}
	}
	for _, read := range []struct {
		title    string
		few, all []string
	}{
		{"GET /api/products/ID", products[0], products[1]},
		{"GET /api/products/last", []string{"/api/products/last"}, []string{"/api/products/last"}},
		{"GET /api/products", []string{"/api/products"}, []string{"/api/products"}},
	} {
		_, _, err := b.Compare(fmt.Sprintf("%s on %s (within 1.3 of each other is asked for)", read.title, database),
			sized[0].Asking("with 1,000 products", read.few...), sized[1].Asking("with 1,000,000 products", read.all...))
		if err != nil {
			return err
		}
	}
	return nil
}

// fill adds products past the API until there are n.
func fill(driver, address string, n int) error {
	db, err := sql.Open(driver, address)
	if err != nil {
		return err
	}
	defer db.Close()
	began := time.Now()
	numbers := "WITH RECURSIVE seq(i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM seq WHERE i < %d) SELECT 'toy ' || i FROM seq"
	if driver == "mysql" {
		numbers = "SELECT CONCAT('toy ', seq) FROM seq_3_to_%d"
	}
	if _, err := db.Exec("INSERT INTO product (name) " + fmt.Sprintf(numbers, n)); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "filled %d products in %v\n", n, time.Since(began).Round(time.Millisecond))
	return nil
}
