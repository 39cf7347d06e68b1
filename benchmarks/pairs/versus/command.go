package versus

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/machine"
	"github.com/woodytoys/woodytoys/internal/serving"
)

// Main is the main function of a benchmark command that measures pairs: it is Command with the flags of
// a Bench, and those that more adds.
func Main(name string, run func(b Bench, dir string) error, more ...func(*flag.FlagSet)) {
	var b Bench
	flags := NewFlags(name)
	for _, add := range more {
		add(flags)
	}
	flags.IntVar(&b.Pairs, "pairs", 10, "how many interleaved pairs to measure (6 or more)")
	flags.DurationVar(&b.Each, "each", time.Second, "how long each side of a pair is loaded")
	flags.IntVar(&b.Conns, "conns", 16, "how many connections keep a server busy")
	valid := func() bool { return b.Pairs >= 6 && b.Each > 0 && b.Conns >= 1 }
	Command(flags, valid, func(out io.Writer, dir string) error {
		b.Out = out
		return run(b, dir)
	})
}

// NewFlags returns the flags of a benchmark command, none yet. They are its own: the program's may have those of a
// library that a candidate links.
func NewFlags(name string) *flag.FlagSet { return flag.NewFlagSet(name, flag.ExitOnError) }

// Command is the main function of a benchmark command: it reads the flags, makes a folder for what run starts, prints
// what the figures were measured with, and removes the folder afterwards. It exits with 1 when run fails and with 2 on
// flags that are not valid.
func Command(flags *flag.FlagSet, valid func() bool, run func(out io.Writer, dir string) error) {
	name := flags.Name()
	outFile := flags.String("out", "", "a file to write the figures to as well")
	_ = flags.Parse(os.Args[1:]) // exits on an error
	if !valid() || flags.NArg() > 0 {
		flags.Usage()
		os.Exit(2)
	}
	command := "go run ./benchmarks/pairs/" + name
	flags.VisitAll(func(f *flag.Flag) {
		if f.Name != "out" {
			command += fmt.Sprintf(" -%s %v", f.Name, f.Value)
		}
	})
	if err := write(name, command, *outFile, run); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}

// endsIn is how long run may take to end once all that it began is gone.
const endsIn = 10 * time.Second

// untilSignal runs run until Ctrl-C, or another signal to end. Then it ends the processes that this one has begun, so
// that run fails, and removes what they had, and returns the signal. A second one ends all at once.
func untilSignal(run func() error) error {
	ctx, stop := serving.UntilSignal(context.Background())
	defer stop()
	done := make(chan error, 1)
	go func() { done <- run() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	late := time.After(endsIn)
	for {
		machine.KillChildren() // again and again, since another may just have been begun
		select {
		case <-done:
			return context.Cause(ctx)
		case <-late:
			return context.Cause(ctx)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// write writes outFile last, so that a run that fails leaves the result of the one before alone.
func write(name, command, outFile string, run func(out io.Writer, dir string) error) error {
	dir, err := os.MkdirTemp("", "woody-"+name)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var figures bytes.Buffer
	out := io.MultiWriter(os.Stdout, &figures)
	fmt.Fprintf(out, "# %s\n# %s, %s\n# load and servers share the machine\n",
		command, time.Now().UTC().Format(time.DateOnly), machine.Describe())
	if err := untilSignal(func() error { return run(out, dir) }); err != nil || outFile == "" {
		return err
	}
	return os.WriteFile(outFile, figures.Bytes(), 0o644)
}
