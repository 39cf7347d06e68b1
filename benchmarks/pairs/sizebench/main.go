// Command sizebench measures what the number of products does to the API, on SQLite and on MariaDB: reads and additions
// with few products and with many, side by side in one run, without a cache.
package main

import (
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/pairs/versus"
	"github.com/woodytoys/woodytoys/internal/programs"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// sizes is what is compared, and how.
type sizes struct {
	versus.Bench
	few, many  int
	bufferPool string
}

func main() {
	var s sizes
	flags := versus.NewFlags("sizebench")
	flags.IntVar(&s.few, "few", 1_000, "how many products there are on one side")
	flags.IntVar(&s.many, "many", 10_000_000, "how many there are on the other side")
	flags.StringVar(&s.bufferPool, "buffer-pool", "1G", "MariaDB's buffer pool")
	flags.IntVar(&s.Pairs, "pairs", 10, "how many interleaved pairs to measure (6 or more)")
	flags.DurationVar(&s.Each, "each", time.Second, "how long each side of a pair is loaded")
	flags.IntVar(&s.Conns, "conns", 16, "how many connections keep a server busy")
	valid := func() bool {
		return s.few >= 10 && s.many > s.few && s.Pairs >= 6 && s.Each > 0 && s.Conns >= 1
	}
	versus.Command(flags, valid, func(out io.Writer, dir string) error {
		s.Out = out
		return s.run(dir)
	})
}

func (s sizes) run(dir string) error {
	program := filepath.Join(dir, "api")
	if err := programs.BuildShop(program); err != nil {
		return err
	}
	fmt.Fprintf(s.Out, "# ids drawn evenly: %d of each side (hot), and %d of the larger one (wide)\n", hot, wide)
	if err := s.on(sqlite, program, dir, func(string) (string, error) { return "", nil }); err != nil {
		return fmt.Errorf("SQLite: %w", err)
	}
	mariadb, err := servers.StartMariaDB("--innodb-buffer-pool-size="+s.bufferPool,
		"--innodb-log-file-size=512M")
	if err != nil {
		return err
	}
	defer mariadb.Close()
	err = s.on(mysql, program, dir, func(string) (string, error) { return mariadb.NewDatabase() })
	if err != nil {
		return fmt.Errorf("MariaDB: %w", err)
	}
	return nil
}

// on compares the sizes on one database, of which each side gets one of its own from newDatabase.
func (s sizes) on(db database, program, dir string, newDatabase func(name string) (dsn string, err error)) error {
	var sides [2]versus.Side
	for i, n := range []int{s.few, s.many} {
		name := fmt.Sprintf("%s-%d", db.name, n)
		dsn, err := newDatabase(name)
		if err != nil {
			return err
		}
		side, shop, err := startFilled(db, program, dir, name, dsn, n)
		if err != nil {
			return err
		}
		defer shop.Kill()
		sides[i] = side
	}
	for _, call := range s.calls() {
		title := fmt.Sprintf("%s on %s (within 1.3 of each other is asked for)", call.title, db.name)
		_, _, err := s.Compare(title, sides[0].Asking(fmt.Sprintf("with %d products", s.few), call.few...),
			sides[1].Asking(fmt.Sprintf("with %d products", s.many), call.many...))
		if err != nil {
			return err
		}
	}
	return nil
}
