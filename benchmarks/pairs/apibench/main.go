// Command apibench measures the API on this machine: what the one-process default takes, and, side by side in one run,
// its plainest call and a read that its cache has against bare Fiber handlers, and that read with an access token
// against itself without one. With -what hit it measures the read that the cache has and nothing else, in two minutes;
// with -what token, that read with a token.
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
			flags.StringVar(&what, "what", what, `what to measure: "all", "hit", a read that the cache has, or `+
				`"token", the same with an access token`)
		})
}

func run(b versus.Bench, what, dir string) error {
	if what != "all" && what != "hit" && what != "token" {
		return fmt.Errorf(`-what is "all", "hit" or "token", not %q`, what)
	}
	program := filepath.Join(dir, "api")
	if err := programs.BuildShop(program); err != nil {
		return err
	}
	switch what {
	case "hit":
		return hits(b, program, dir)
	case "token":
		return hitsByToken(b, program, dir)
	}
	return errors.Join(footprint(b, program, dir), againstConstant(b, program, dir), hits(b, program, dir),
		hitsByToken(b, program, dir))
}
