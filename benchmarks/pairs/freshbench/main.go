// Command freshbench measures how long after a write's commit every replica returns the new value, with and without the
// cache. Meanwhile reads run, each checked against the writes acknowledged before it. It also measures the latency of
// writes through other replicas while one replica that cannot reach Redis keeps writing.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	_ "github.com/go-sql-driver/mysql"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/load"
	"github.com/woodytoys/woodytoys/benchmarks/pairs/versus"
	"github.com/woodytoys/woodytoys/internal/programs"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// bench is what is measured with.
type bench struct {
	replicas int
	rate     int // reads a second, on all replicas together
	reads    int // in all, with the cache; in the other parts, a tenth
	writes   float64
	out      io.Writer
}

func main() {
	var b bench
	flags := versus.NewFlags("freshbench")
	flags.IntVar(&b.replicas, "replicas", 5, "how many replicas")
	flags.IntVar(&b.rate, "rate", 2000, "reads a second, on all replicas together")
	flags.IntVar(&b.reads, "reads", 1_000_000, "reads with the cache; in the other parts, a tenth")
	flags.Float64Var(&b.writes, "writes", 10, "writes a second")
	valid := func() bool { return b.replicas >= 1 && b.rate >= 1 && b.reads >= 1000 && b.writes > 0 }
	versus.Command(flags, valid, func(out io.Writer, dir string) error {
		b.out = out
		return b.run(dir)
	})
}

// run measures each part on a database of its own.
func (b bench) run(dir string) error {
	program := filepath.Join(dir, "api")
	if err := programs.BuildShop(program); err != nil {
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
	wire, err := servers.StartWire(redis.Addr)
	if err != nil {
		return err
	}
	defer wire.Close()
	for _, p := range []part{
		{"with the cache", b.reads, []string{redis.Addr}, nil},
		{"with the cache, one replica without Redis, which writes all the time", b.reads / 10,
			[]string{wire.Addr, redis.Addr}, wire},
		{"without a cache", b.reads / 10, nil, nil},
	} {
		if err := b.once(p, dir, program, mariadb); err != nil {
			return fmt.Errorf("%s: %w", p.title, err)
		}
	}
	return nil
}

// part is one thing that is measured.
type part struct {
	title string
	reads int
	// the Redis address of each replica; the last one is used for all further replicas; empty without a cache
	redis []string
	cut   *servers.Wire // the first replica's connection to Redis, which is cut; nil for none
}

func (b bench) once(p part, dir, program string, mariadb *servers.MariaDB) error {
	dsn, err := mariadb.NewDatabase()
	if err != nil {
		return err
	}
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	settings := []string{"WOODY_DB_DSN=" + dsn, "WOODY_HEAVY_DELAY=0", "WOODY_SLOW_QUERY_DELAY=0",
		"WOODY_LOG_LEVEL=warn"}
	var addrs []string
	for i := range b.replicas {
		own := append(slices.Clip(settings), fmt.Sprintf("WOODY_REPLICA_ID=r%d", i))
		if len(p.redis) > 0 {
			own = append(own, "WOODY_REDIS_ADDR="+p.redis[min(i, len(p.redis)-1)])
		}
		shop, err := programs.StartShop(exec.Command(program), filepath.Join(dir, fmt.Sprintf("log%d", i)), own...)
		if err != nil {
			return err
		}
		defer shop.Kill()
		addrs = append(addrs, shop.Addr())
	}
	if p.cut != nil {
		first := addrs[0]
		addrs = addrs[1:]
		time.Sleep(2 * time.Second)
		p.cut.Cut()
		alone, err := writeAlone(first)
		if err != nil {
			return err
		}
		defer func() { fmt.Fprint(b.out, alone()) }()
	}
	o, err := newObserver(db, addrs)
	if err != nil {
		return err
	}
	time.Sleep(4 * time.Second) // past the first leases, in which no write is acknowledged
	figures, err := o.observe(p.reads, b.rate, b.writes)
	if err != nil {
		return err
	}
	fmt.Fprintf(b.out, "\n%s\n%s", p.title, figures)
	if n := figures.found.Stale; n > 0 {
		return fmt.Errorf("%d stale reads; the first: %s", n, figures.found.Examples[0])
	}
	return nil
}

// writeAlone adds products through a replica, one after the other, until the function that it returns is called, or the
// connection fails. That one shows how long those took that were added, and how many were not.
func writeAlone(addr string) (end func() string, err error) {
	conn, err := load.Dial(addr)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	var took load.Latencies
	failed, done := 0, make(chan struct{})
	go func() {
		defer close(done)
		defer conn.Close()
		for ctx.Err() == nil {
			began := time.Now()
			status, _, err := conn.Do(request("POST", "/api/products", `{"name":"Toy"}`))
			if err != nil {
				failed++
				return
			}
			if status != 201 {
				failed++
				continue
			}
			took = append(took, time.Since(began))
		}
	}()
	return func() string {
		cancel()
		<-done
		return line("its own writes", took) + fmt.Sprintf("  failed beside them                 %d\n", failed)
	}, nil
}
