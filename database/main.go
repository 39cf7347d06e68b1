// The program database runs a MariaDB server as one of the three nodes of a Galera cluster. It decides by rule how the
// node begins, starts mariadbd as its child, watches it, and says over HTTP what the node may be asked. README.md has
// the rule.
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
		fmt.Fprintln(os.Stderr, "database:", err)
		os.Exit(1)
	}
}

// run does what the command line asks for.
func run(args []string, stdout, stderr io.Writer) error {
	cfg, command, err := parseConfig(args, stdout, stderr)
	if err != nil {
		return err
	}
	switch command {
	case "healthcheck":
		return cfg.ask(stdout, "GET", "/healthz")
	case "status":
		return cfg.ask(stdout, "GET", "/state")
	case "bootstrap":
		return cfg.ask(stdout, "POST", "/bootstrap")
	}
	log := cfg.Logger(stderr)
	settings.WarnOfUnknown(log)
	ctx, stop := serving.UntilSignal(context.Background())
	defer stop()
	if os.Getpid() == 1 {
		go reapOrphans(ctx)
	}
	return serve(ctx, cfg, log)
}
