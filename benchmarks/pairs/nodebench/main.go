// Command nodebench measures what the database's three nodes cost: uncached reads and additions of a replica of the API
// before one server, and before the cluster of stage database with its proxy, side by side in one run, with the
// processor time of each component; and what that says of three machines.
package main

import (
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/pairs"
	"github.com/woodytoys/woodytoys/benchmarks/pairs/versus"
	"github.com/woodytoys/woodytoys/internal/programs"
)

// bench is how it is measured.
type bench struct {
	pairs int
	each  time.Duration
	conns int
	cores int
	out   io.Writer
}

func main() {
	var b bench
	flags := versus.NewFlags("nodebench")
	flags.IntVar(&b.pairs, "pairs", 10, "how many interleaved pairs to measure (6 or more)")
	flags.DurationVar(&b.each, "each", 2*time.Second, "how long each side of a pair is loaded")
	flags.IntVar(&b.conns, "conns", 64, "how many clients read, and write, at once")
	flags.IntVar(&b.cores, "cores", 4, "how many cores a machine has for which a rate is predicted")
	valid := func() bool { return b.pairs >= 6 && b.each > 0 && b.conns >= 1 && b.cores >= 1 }
	versus.Command(flags, valid, func(out io.Writer, dir string) error {
		b.out = out
		return b.run(dir)
	})
}

func (b bench) run(dir string) error {
	program := filepath.Join(dir, "api")
	if err := programs.BuildShop(program); err != nil {
		return err
	}
	one, endOne, err := startOne(program, dir)
	if err != nil {
		return fmt.Errorf("one server: %w", err)
	}
	defer endOne()
	three, past, endThree, err := startThree(program, dir)
	if err != nil {
		return fmt.Errorf("three nodes: %w", err)
	}
	defer endThree()
	fmt.Fprintf(b.out, "# one replica without a cache, %d products; a commit is on the disk of each database that has "+
		"it\n", products)

	reads, err := b.compare(fmt.Sprintf("GET /api/products/ID by %d at once (0.7 of one server's is asked for)",
		b.conns),
		one, three, asked{paths: hot(), conns: b.conns})
	if err != nil {
		return err
	}
	_, err = b.compare("The same reads, the three asked past their proxy, of one reading node", one, past,
		asked{paths: hot(), conns: b.conns})
	if err != nil {
		return err
	}
	add := []string{"/api/products?product=Toy"}
	_, err = b.compare("Adding a product, by one client: what each waits is the write's latency", one, three,
		asked{paths: add, conns: 1})
	if err != nil {
		return err
	}
	writes, err := b.compare(fmt.Sprintf("Adding a product, by %d at once", b.conns), one, three,
		asked{paths: add, conns: b.conns})
	if err != nil {
		return err
	}
	b.predict(reads, writes)
	return nil
}

// asked is what both sides are asked.
type asked struct {
	paths []string
	conns int
}

// compare warms both sides up, measures them in turn, prints what came of it and returns the processor time of each
// component for a response.
func (b bench) compare(title string, one, other side, what asked) (costs [2]costs, err error) {
	sides := [2]side{one, other}
	var rounds [2][]round
	measure := func(i int) func() (float64, error) {
		return func() (float64, error) {
			r, err := sides[i].once(what, b.each)
			rounds[i] = append(rounds[i], r)
			return r.perSecond, err
		}
	}
	for _, s := range sides {
		if _, err := s.once(what, b.each); err != nil {
			return costs, err
		}
	}
	ones, others, err := pairs.Interleave(b.pairs, measure(0), measure(1))
	if err != nil {
		return costs, err
	}
	fmt.Fprintf(b.out, "\n%s\n", title)
	for i, rates := range [][]float64{ones, others} {
		costs[i] = costsOf(sides[i], rounds[i])
		fmt.Fprintf(b.out, "  %-36s %9.0f answers/s, %8.2f ms each (medians)\n", sides[i].name, pairs.Median(rates),
			1000*float64(what.conns)/pairs.Median(rates))
	}
	fmt.Fprintf(b.out, "  ratio of answers/s, second to first  %v\n", pairs.Of(others, ones))
	fmt.Fprintf(b.out, "  ratio of processor time              %v\n",
		pairs.Of(together(rounds[1]), together(rounds[0])))
	b.table(sides, costs)
	return costs, nil
}

// table prints the processor time of each component for a response.
func (b bench) table(sides [2]side, costs [2]costs) {
	fmt.Fprintf(b.out, "  %-36s %16s %16s\n", "processor time for an answer (medians)", "first", "second")
	for _, p := range sides[1].parts {
		fmt.Fprintf(b.out, "    %-36s %16s %16s\n", p.name, costs[0].words(p.name), costs[1].words(p.name))
	}
	fmt.Fprintf(b.out, "    %-36s %13.0f us %13.0f us\n", "together", costs[0].sum(), costs[1].sum())
}
