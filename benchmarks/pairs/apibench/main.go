// Command apibench measures the API on this machine: what the one-process default takes, and, side by side in one run,
// its plainest call and a read that its cache has against bare Fiber handlers. With -what hit it measures the read that
// the cache has and nothing else, in two minutes.
package main

import (
	"errors"
	"flag"
	"fmt"
	"path/filepath"

	"github.com/woodytoys/woodytoys/benchmarks/pairs/constant"
	"github.com/woodytoys/woodytoys/benchmarks/pairs/versus"
	"github.com/woodytoys/woodytoys/internal/programs"
)

func main() {
	constant.ServeIfAsked()
	what := "all"
	versus.Main("apibench", func(b versus.Bench, dir string) error { return run(b, what, dir) },
		func(flags *flag.FlagSet) {
			flags.StringVar(&what, "what", what, `what to measure: "all", or "hit", a read that the cache has`)
		})
}

func run(b versus.Bench, what, dir string) error {
	if what != "all" && what != "hit" {
		return fmt.Errorf(`-what is "all" or "hit", not %q`, what)
	}
	program := filepath.Join(dir, "api")
	if err := programs.BuildShop(program); err != nil {
		return err
	}
	if what == "hit" {
		return hits(b, program, dir)
	}
	return errors.Join(footprint(b, program, dir), againstConstant(b, program, dir), hits(b, program, dir))
}
