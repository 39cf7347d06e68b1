package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/woodytoys/woodytoys/benchmarks/report"
	"github.com/woodytoys/woodytoys/benchmarks/report/figures"
)

type reportCommand struct {
	Dir string `arg:"" help:"The run's folder: its raw material is used where it is there, else its results.json."`
	Out string `placeholder:"DIR" help:"Where to write (default: the run's folder)."`
}

// Run makes the report anew.
func (c *reportCommand) Run() error {
	r, err := figures.Load(c.Dir)
	if err != nil {
		return err
	}
	if c.Out == "" {
		c.Out = c.Dir
	}
	other := r
	if filepath.Clean(c.Out) != filepath.Clean(c.Dir) {
		other, err = figures.Load(c.Out)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fmt.Errorf("%s may hold another run: remove what is there, or name another folder with --out: %w", c.Out,
			err)
	case !other.Run.Began.Equal(r.Run.Began) || other.Run.Command != r.Run.Command:
		return fmt.Errorf("%s holds another run (%s, %s): name another folder with --out", c.Out, other.Run.Command,
			other.Run.Began.UTC().Format("2006-01-02 15:04"))
	}
	if err := os.MkdirAll(c.Out, 0o755); err != nil {
		return err
	}
	if err := report.Write(r, c.Out); err != nil {
		return err
	}
	fmt.Println(filepath.Join(c.Out, report.HTMLFile))
	return invalid(r)
}
