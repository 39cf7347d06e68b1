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

	"github.com/woodytoys/woodytoys/benchmarks/constant"
	"github.com/woodytoys/woodytoys/benchmarks/machine"
	"github.com/woodytoys/woodytoys/benchmarks/versus"
	"github.com/woodytoys/woodytoys/internal/servers"
)

func main() {
	constant.ServeIfAsked()
	pairsFlag := flag.Int("pairs", 10, "how many interleaved pairs to measure (6 or more)")
	each := flag.Duration("each", time.Second, "how long each side of a pair is loaded")
	conns := flag.Int("conns", 16, "how many connections keep the server busy")
	out := flag.String("out", "", "a file to write the result to as well")
	flag.Parse()
	if *pairsFlag < 6 || *each <= 0 || *conns < 1 || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	exitOn(run(versus.Bench{Pairs: *pairsFlag, Each: *each, Conns: *conns}, *out))
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "apibench:", err)
		os.Exit(1)
	}
}

func run(b versus.Bench, outFile string) (err error) {
	b.Out = os.Stdout
	if outFile != "" {
		file, err := os.Create(outFile)
		if err != nil {
			return err
		}
		defer file.Close()
		b.Out = io.MultiWriter(os.Stdout, file)
	}
	dir, err := os.MkdirTemp("", "woody-apibench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fmt.Fprintf(b.Out, "# go run ./benchmarks/apibench -pairs %d -each %v -conns %d\n# %s, %s\n# load and server share the machine\n",
		b.Pairs, b.Each, b.Conns, time.Now().UTC().Format(time.DateOnly), machine.Describe())
	api := filepath.Join(dir, "api")
	if err := servers.BuildShop(api); err != nil {
		return err
	}
	return errors.Join(footprint(b, api, dir), againstConstant(b, api, dir), bySize(b, api, dir))
}
