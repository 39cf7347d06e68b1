// The front serves the shop's page and its assets. It is one container of the stack; the one-process shop mounts the
// same package, front/site, by itself.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/woodytoys/woodytoys/front/site"
	"github.com/woodytoys/woodytoys/internal/serving"
	"github.com/woodytoys/woodytoys/internal/settings"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "front:", err)
		os.Exit(1)
	}
}

// run does what the command line asks for.
func run(args []string, stdout, stderr io.Writer) error {
	cfg, command, err := parseConfig(args, stdout, stderr)
	if err != nil {
		return err
	}
	if command == "healthcheck" {
		return serving.Healthcheck(cfg.Addr, cfg.ListeningFile)
	}
	log := cfg.Logger(stderr)
	settings.WarnOfUnknown(log)
	return serve(cfg, log)
}

// serve serves until a signal ends it. It returns nil after a clean stop.
func serve(cfg config, log *slog.Logger) error {
	ctx, stop := serving.UntilSignal(context.Background())
	defer stop()
	shelf := newAPI(cfg.APIURL)
	page, err := site.New(site.Config{
		Toys: shelf.toys, CDNURL: cfg.CDNURL, Accounts: cfg.Accounts == "on", LimitRate: int64(cfg.FrontLimitRate),
		ReplicaID: cfg.ReplicaID, Logger: log,
	})
	if err != nil {
		return err
	}
	listener, err := serving.Listen(cfg.Addr, log)
	if err != nil {
		return fmt.Errorf("WOODY_ADDR: %w", err)
	}
	announced, err := serving.Announce(cfg.ListeningFile, "WOODY_ADDR", listener.Addr().String())
	if err != nil {
		listener.Close()
		return err
	}
	defer announced.Remove()
	log.Info("the front is open", "addr", listener.Addr().String(), "replica", cfg.ReplicaID, "api", cfg.APIURL)
	return newServer(page, log).run(ctx, listener, cfg.DrainDelay, cfg.DrainTimeout)
}
