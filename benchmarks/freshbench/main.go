// Command freshbench measures how long after a write's commit every replica answers what was written, with
// the cache and without it, under a load of reads each of which is held against what was acknowledged
// before it.
package main

import (
	"database/sql"
	"flag"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"time"

	_ "github.com/go-sql-driver/mysql"

	"github.com/woodytoys/woodytoys/benchmarks/versus"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// bench is what is measured with.
type bench struct {
	replicas int
	rate     int // reads a second, on all replicas together
	reads    int // in all, with the cache; without it, a tenth
	writes   float64
	out      io.Writer
}

func main() {
	var b bench
	flag.IntVar(&b.replicas, "replicas", 5, "how many replicas")
	flag.IntVar(&b.rate, "rate", 2000, "reads a second, on all replicas together")
	flag.IntVar(&b.reads, "reads", 1_000_000, "reads with the cache; without it, a tenth")
	flag.Float64Var(&b.writes, "writes", 10, "writes a second")
	valid := func() bool { return b.replicas >= 1 && b.rate >= 1 && b.reads >= 1000 && b.writes > 0 }
	versus.Command("freshbench", valid, func(out io.Writer, dir string) error {
		b.out = out
		return b.run(dir)
	})
}

// run measures with the cache and without it, on a database each.
func (b bench) run(dir string) error {
	program := filepath.Join(dir, "api")
	if err := servers.BuildShop(program); err != nil {
		return err
	}
	mariadb, err := servers.StartMariaDB()
	if err != nil {
		return err
	}
	defer mariadb.Close()
	redis, err := servers.StartRedis()
	if err != nil {
		return err
	}
	defer redis.Close()
	if err := b.once("with the cache", dir, program, mariadb, b.reads, "WOODY_REDIS_ADDR="+redis.Addr); err != nil {
		return err
	}
	return b.once("without a cache", dir, program, mariadb, b.reads/10)
}

func (b bench) once(title, dir, program string, mariadb *servers.MariaDB, reads int, settings ...string) error {
	dsn, err := mariadb.NewDatabase()
	if err != nil {
		return err
	}
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	settings = append(settings, "WOODY_DB_DSN="+dsn, "WOODY_HEAVY_DELAY=0", "WOODY_SLOW_QUERY_DELAY=0", "WOODY_LOG_LEVEL=warn")
	var addrs []string
	for i := range b.replicas {
		shop, err := servers.StartShop(exec.Command(program), filepath.Join(dir, fmt.Sprintf("log%d", i)),
			append(settings, fmt.Sprintf("WOODY_REPLICA_ID=r%d", i))...)
		if err != nil {
			return err
		}
		defer shop.Kill()
		addrs = append(addrs, shop.Addr())
	}
	o, err := newObserver(db, addrs)
	if err != nil {
		return err
	}
	time.Sleep(2 * time.Second) // past the first lease, in which no write is acknowledged
	figures, err := o.observe(reads, b.rate, b.writes)
	if err != nil {
		return fmt.Errorf("%s: %w", title, err)
	}
	fmt.Fprintf(b.out, "\n%s\n%s", title, figures)
	if n := figures.found.Stale; n > 0 {
		return fmt.Errorf("%s: %d stale reads; the first: %s", title, n, figures.found.Examples[0])
	}
	return nil
}
