package main

import (
	"fmt"
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
	if err := os.MkdirAll(c.Out, 0o755); err != nil {
		return err
	}
	if err := report.Write(r, c.Out); err != nil {
		return err
	}
	fmt.Println(filepath.Join(c.Out, report.HTMLFile))
	return invalid(r)
}
