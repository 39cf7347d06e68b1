// Command api runs the shop's web API. With no configuration it is the whole shop in one process
// on http://localhost:8080, with a durable SQLite file; see api --help.
package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/woodytoys/woodytoys/internal/serving"
	"github.com/woodytoys/woodytoys/internal/settings"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "api:", err)
		os.Exit(1)
	}
}

// run does what the command line asks for, until a signal ends it. A second signal ends it at once.
func run(args []string, stdout, stderr io.Writer) error {
	cfg, command, err := parseConfig(args, stdout, stderr)
	if err != nil {
		return err
	}
	if command == "healthcheck" {
		return serving.Healthcheck(cfg.Addr, cfg.ListeningFile)
	}
	ctx, stop := serving.UntilSignal(context.Background())
	defer stop()

	switch command {
	case "backup <file>", "restore <file>":
		if err := settings.RefuseUnknown(); err != nil {
			return err
		}
		if command == "backup <file>" {
			return cfg.backUp(ctx, stdout)
		}
		return cfg.restore(ctx, stdout)
	}
	log := cfg.Logger(stderr)
	settings.WarnOfUnknown(log)
	p, err := start(cfg, log)
	if err != nil {
		return err
	}
	defer p.Close()
	announced, err := p.announce()
	if err != nil {
		return err
	}
	defer announced.Remove()
	if cfg.LogFormat == "text" {
		p.greet(stdout)
	}
	return p.Run(ctx)
}
