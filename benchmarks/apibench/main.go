// Command apibench measures the API on this machine, side by side in one run: its plainest call
// against a bare Fiber handler that sends the same bytes, and its database reads with 1,000 and
// with 1,000,000 products.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/load"
	"github.com/woodytoys/woodytoys/benchmarks/machine"
	"github.com/woodytoys/woodytoys/benchmarks/pairs"
	"github.com/woodytoys/woodytoys/internal/servers"
)

func main() {
	if len(os.Args) == 4 && os.Args[1] == "constant" {
		exitOn(serveConstant(os.Args[2], os.Args[3]))
	}
	pairsFlag := flag.Int("pairs", 10, "how many interleaved pairs to measure (6 or more)")
	each := flag.Duration("each", time.Second, "how long each side of a pair is loaded")
	conns := flag.Int("conns", 16, "how many connections keep the server busy")
	out := flag.String("out", "", "a file to write the result to as well")
	flag.Parse()
	if *pairsFlag < 6 || *each <= 0 || *conns < 1 || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	exitOn(run(bench{pairs: *pairsFlag, each: *each, conns: *conns}, *out))
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "apibench:", err)
		os.Exit(1)
	}
}

// bench is how every comparison is measured.
type bench struct {
	pairs int
	each  time.Duration
	conns int
	out   io.Writer
}

func run(b bench, outFile string) (err error) {
	b.out = os.Stdout
	if outFile != "" {
		file, err := os.Create(outFile)
		if err != nil {
			return err
		}
		defer file.Close()
		b.out = io.MultiWriter(os.Stdout, file)
	}
	dir, err := os.MkdirTemp("", "woody-apibench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fmt.Fprintf(b.out, "# go run ./benchmarks/apibench -pairs %d -each %v -conns %d\n# %s, %s\n# load and server share the machine\n",
		b.pairs, b.each, b.conns, time.Now().UTC().Format(time.DateOnly), machine.Describe())
	api := filepath.Join(dir, "api")
	if err := servers.BuildShop(api); err != nil {
		return err
	}
	return errors.Join(b.againstConstant(api, dir), b.bySize(api, dir))
}

// compare measures two servers in turn and prints the ratio of their throughputs and of their
// processor time for a request.
func (b bench) compare(title string, one, other server) error {
	var cpus [2][]float64
	measure := func(which int, s server) func() (float64, error) {
		return func() (float64, error) {
			before, err := machine.CPU(s.PID())
			if err != nil {
				return 0, err
			}
			result, err := load.Closed(s.target, b.conns, b.each)
			if err != nil {
				return 0, err
			}
			if result.Bad > 0 {
				return 0, fmt.Errorf("%s: %d bad answers", s.name, result.Bad)
			}
			after, err := machine.CPU(s.PID())
			cpus[which] = append(cpus[which], float64((after-before).Microseconds())/float64(result.Good))
			return result.PerSecond(), err
		}
	}
	for i, s := range []server{one, other} { // warm up, and see that both answer
		if _, err := measure(i, s)(); err != nil {
			return err
		}
		cpus[i] = nil
	}
	as, bs, err := pairs.Interleave(b.pairs, measure(0, one), measure(1, other))
	if err != nil {
		return err
	}
	fmt.Fprintf(b.out, "\n%s\n", title)
	for i, row := range []struct {
		s     server
		rates []float64
	}{{one, as}, {other, bs}} {
		fmt.Fprintf(b.out, "  %-28s %9.0f requests/s  %6.1f us processor time a request (medians)\n",
			row.s.name, pairs.Median(row.rates), pairs.Median(cpus[i]))
	}
	fmt.Fprintf(b.out, "  ratio of requests/s            %v\n  ratio of processor time        %v\n", pairs.Of(as, bs), pairs.Of(cpus[0], cpus[1]))
	return nil
}
