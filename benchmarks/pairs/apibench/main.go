// Command apibench measures the API on this machine: what the one-process default takes, and, side by side in one run,
// its plainest call against a bare Fiber handler that sends the same bytes.
package main

import (
	"errors"
	"path/filepath"

	"github.com/woodytoys/woodytoys/benchmarks/pairs/constant"
	"github.com/woodytoys/woodytoys/benchmarks/pairs/versus"
	"github.com/woodytoys/woodytoys/internal/programs"
)

func main() {
	constant.ServeIfAsked()
	versus.Main("apibench", run)
}

func run(b versus.Bench, dir string) error {
	program := filepath.Join(dir, "api")
	if err := programs.BuildShop(program); err != nil {
		return err
	}
	return errors.Join(footprint(b, program, dir), againstConstant(b, program, dir))
}
