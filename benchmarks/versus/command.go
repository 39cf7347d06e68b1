package versus

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/machine"
)

// Main is the main function of a benchmark command: it reads the flags, makes a folder for what run
// starts, prints what the figures were measured with, and removes the folder afterwards. It exits
// with 1 when run fails and with 2 on wrong flags.
func Main(name string, run func(b Bench, dir string) error) {
	b := Bench{Out: os.Stdout}
	flag.IntVar(&b.Pairs, "pairs", 10, "how many interleaved pairs to measure (6 or more)")
	flag.DurationVar(&b.Each, "each", time.Second, "how long each side of a pair is loaded")
	flag.IntVar(&b.Conns, "conns", 16, "how many connections keep a server busy")
	out := flag.String("out", "", "a file to write the figures to as well")
	flag.Parse()
	if b.Pairs < 6 || b.Each <= 0 || b.Conns < 1 || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := b.run(name, *out, run); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}

// run writes to a file beside outFile first, so that a run that fails leaves the result of the one
// before alone.
func (b Bench) run(name, outFile string, run func(b Bench, dir string) error) (err error) {
	dir, err := os.MkdirTemp("", "woody-"+name)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if outFile != "" {
		file, err := os.Create(filepath.Join(dir, "out"))
		if err != nil {
			return err
		}
		b.Out = io.MultiWriter(os.Stdout, file)
		defer file.Close()
	}
	fmt.Fprintf(b.Out, "# go run ./benchmarks/%s -pairs %d -each %v -conns %d\n# %s, %s\n# load and servers share the machine\n",
		name, b.Pairs, b.Each, b.Conns, time.Now().UTC().Format(time.DateOnly), machine.Describe())
	if err := run(b, dir); err != nil {
		return err
	}
	if outFile == "" {
		return nil
	}
	content, err := os.ReadFile(filepath.Join(dir, "out"))
	return errors.Join(err, os.WriteFile(outFile, []byte(strings.TrimLeft(string(content), "\n")), 0o644))
}
