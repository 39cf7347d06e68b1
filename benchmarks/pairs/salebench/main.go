// Command salebench measures ways to sell a hot product, side by side in one run on one MariaDB: many buyers at once
// order one of it, each in a transaction that stores the order too. The shop's way puts those who come together into
// one transaction; the others lock the product's row, take the stock in the UPDATE itself, or take a row that each unit
// has, passing over those that others hold. Then it measures reads of the product while the shop sells it.
package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/load"
	"github.com/woodytoys/woodytoys/benchmarks/pairs"
	"github.com/woodytoys/woodytoys/benchmarks/pairs/versus"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// bench is how it is measured.
type bench struct {
	pairs  int
	each   time.Duration
	buyers int
	conns  int
	out    io.Writer
}

func main() {
	var b bench
	flags := versus.NewFlags("salebench")
	flags.IntVar(&b.pairs, "pairs", 10, "how many interleaved pairs to measure of each comparison (6 or more)")
	flags.DurationVar(&b.each, "each", 2*time.Second, "how long each side of a pair sells")
	flags.IntVar(&b.buyers, "buyers", 500, "how many buyers order at once, one order after the other")
	flags.IntVar(&b.conns, "conns", 8, "how many connections a way has, as a replica of the shop")
	valid := func() bool { return b.pairs >= 6 && b.each > 0 && b.buyers >= 1 && b.conns >= 1 }
	versus.Command(flags, valid, func(out io.Writer, dir string) error {
		b.out = out
		return b.run(dir)
	})
}

func (b bench) run(dir string) error {
	// A commit is on the disk when it is acknowledged, as the shop's stack has it.
	mariadb, err := servers.StartMariaDB("--innodb-flush-log-at-trx-commit=1")
	if err != nil {
		return err
	}
	defer mariadb.Close()
	ours, err := newGrouped(mariadb, b.conns)
	if err != nil {
		return err
	}
	defer ours.close()
	for _, open := range []func(*servers.MariaDB, int) (*way, error){newRowLock, newUpdate, newUnits} {
		other, err := open(mariadb, b.conns)
		if err != nil {
			return err
		}
		if err := b.compare(ours, other); err != nil {
			return fmt.Errorf("%s: %w", other.name, err)
		}
		other.close()
	}
	return b.reads(mariadb, dir)
}

// compare prints how many orders each way takes, and how long its buyers wait.
func (b bench) compare(ours, other *way) error {
	fmt.Fprintf(b.out, "\n%s against %s, %d buyers at once\n", ours.name, other.name, b.buyers)
	waits := map[*way][]time.Duration{}
	measure := func(w *way) func() (float64, error) {
		return func() (float64, error) {
			rate, took, err := b.sell(w)
			waits[w] = append(waits[w], took...)
			return rate, err
		}
	}
	for _, w := range []*way{ours, other} { // warm up
		if _, _, err := b.sell(w); err != nil {
			return err
		}
	}
	as, bs, err := pairs.Interleave(b.pairs, measure(ours), measure(other))
	if err != nil {
		return err
	}
	for _, side := range []struct {
		*way
		rates []float64
	}{{ours, as}, {other, bs}} {
		took := load.Latencies(waits[side.way])
		slices.Sort(took)
		at := func(q float64) time.Duration { return took.At(q).Round(100 * time.Microsecond) }
		fmt.Fprintf(b.out, "  %-28s %8.0f orders/s, wait p50 %v, p99 %v, max %v\n", side.name,
			pairs.Median(side.rates), at(.5), at(.99), at(1))
	}
	fmt.Fprintf(b.out, "  rate of the first over the second: %v\n", pairs.Of(as, bs))
	return nil
}

// sell runs the buyers for a while, and returns how many orders a second were taken, and how long each took. What
// was taken must be what was counted: a way that sells what it has not is an error.
func (b bench) sell(w *way) (rate float64, took []time.Duration, err error) {
	before, err := w.sold()
	if err != nil {
		return 0, nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	began := time.Now()
	var buyers sync.WaitGroup
	var failed atomic.Pointer[error]
	each := make([][]time.Duration, b.buyers)
	for i := range b.buyers {
		buyers.Go(func() {
			for time.Since(began) < b.each && failed.Load() == nil {
				asked := time.Now()
				if err := w.buy(ctx); err != nil {
					failed.Store(&err)
					return
				}
				each[i] = append(each[i], time.Since(asked))
			}
		})
	}
	buyers.Wait()
	lasted := time.Since(began)
	if err := failed.Load(); err != nil {
		return 0, nil, *err
	}
	took = slices.Concat(each...)
	after, err := w.sold()
	if err != nil {
		return 0, nil, err
	}
	if after-before != int64(len(took)) {
		return 0, nil, fmt.Errorf("%d orders were taken, and %d were sold", len(took), after-before)
	}
	return float64(len(took)) / lasted.Seconds(), took, nil
}
