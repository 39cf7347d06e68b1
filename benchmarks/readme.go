package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/woodytoys/woodytoys/benchmarks/report"
	"github.com/woodytoys/woodytoys/benchmarks/report/figures"
)

type readmeCommand struct {
	File  string `arg:"" default:"README.md" help:"The document, whose marks name the results to show, relative to it."`
	Check bool   `help:"Change nothing; exit 1 when the document is not up to date."`
}

// Run writes the summaries of runs into a document.
func (c *readmeCommand) Run() error {
	document, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	fresh, err := report.Refresh(document, func(file string) (*figures.Results, error) {
		return figures.Load(filepath.Join(filepath.Dir(c.File), file))
	})
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", c.File, err)
	case bytes.Equal(document, fresh):
		return nil
	case c.Check:
		return fmt.Errorf("%s does not show the run that it names: `go run ./benchmarks readme %s` makes it anew",
			c.File, c.File)
	}
	return os.WriteFile(c.File, fresh, 0o644)
}
