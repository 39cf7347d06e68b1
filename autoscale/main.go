// The program autoscale scales the API of a stack on Docker Swarm between bounds, by what Prometheus has measured of
// it. It runs on a manager, as scripts/autoscale. What it decides is a pure function, Decide.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/woodytoys/woodytoys/internal/serving"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "scripts/autoscale:", err)
		os.Exit(1)
	}
}

func run(args []string, stdout, stderr io.Writer) (err error) {
	cfg, done, err := parse(args, stdout, stderr)
	if err != nil || done {
		return err
	}
	ctx, stop := serving.UntilSignal(context.Background())
	defer stop()
	on := &swarm{stack: cfg.Stack, min: cfg.Min, window: cfg.Window, prometheus: cfg.Prometheus}
	if _, err := on.Observe(ctx); err != nil {
		return err
	}
	if !cfg.DryRun && !cfg.Once {
		on.lock = &lock{name: cfg.Stack + "_autoscaler"}
		if err := on.lock.take(ctx); err != nil {
			return err
		}
		defer func() {
			if errors.Is(err, errLost) {
				return
			}
			if failed := on.lock.give(ctx); err == nil {
				err = failed
			}
		}()
		if err := on.expect(ctx); err != nil {
			return err
		}
	}
	s := &scaler{config: cfg, on: on, log: stdout}
	s.logf(true, "%s_api: %d to %d replicas; a look every %s%s", cfg.Stack, cfg.Min, cfg.Max, cfg.Every, dry(cfg))
	err = s.run(ctx)
	s.logf(true, "ended: the replicas stay as they are")
	return err
}

func dry(c config) string {
	if c.DryRun || c.Once {
		return "; nothing is scaled"
	}
	return ""
}
