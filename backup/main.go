// The program backup keeps the shop's database from being lost: it makes full backups, follows the binary log as it is
// written, restores each backup into a scratch server before it counts, and puts the database back to any second that
// is kept. docs/backup.md is for whoever operates it.
package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"
	"sync"

	"github.com/woodytoys/woodytoys/internal/serving"
	"github.com/woodytoys/woodytoys/internal/settings"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "backup:", err)
		os.Exit(1)
	}
}

// run does what the command line asks for.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	cfg, command, err := parseConfig(args, stdout, stderr)
	if err != nil {
		return err
	}
	switch command {
	case "healthcheck":
		return serving.Healthcheck(cfg.Addr, cfg.ListeningFile)
	case "verify":
		return cfg.ask(command, url.Values{"backup": {cfg.Verify.Backup}}, nil, stdout)
	case "restore":
		return cfg.ask(command, url.Values{"time": {cfg.Restore.Time}, "plan": {strconv.FormatBool(cfg.Restore.Plan)}},
			nil, stdout)
	case "secrets":
		return cfg.ask(command, url.Values{"restore": {strconv.FormatBool(cfg.Secrets.Restore)}}, stdin, stdout)
	case "now", "list", "state":
		return cfg.ask(command, nil, nil, stdout)
	}
	log := cfg.Logger(stderr)
	settings.WarnOfUnknown(log)
	return serve(newKeeper(&cfg, log, newMetrics()))
}

// serve keeps backups until a signal ends it. It returns nil after a clean stop.
func serve(k *keeper) error {
	ctx, stop := serving.UntilSignal(context.Background())
	defer stop()
	release, err := k.prepare(ctx)
	if err != nil && ctx.Err() != nil {
		return nil // it was to end before it had begun
	} else if err != nil {
		return err
	}
	defer release()
	listener, err := serving.ListenForOperators(k.cfg.Addr, k.log)
	if err != nil {
		return fmt.Errorf("WOODY_ADDR: %w", err)
	}
	announced, err := serving.Announce(k.cfg.ListeningFile, "WOODY_ADDR", listener.Addr().String())
	if err != nil {
		listener.Close()
		return err
	}
	defer announced.Remove()
	closed, err := k.serveCommands(ctx)
	if err != nil {
		listener.Close()
		return err
	}
	defer closed()
	k.log.Info("keeping backups", "addr", listener.Addr().String(), "repository", k.cfg.Repository)
	var keeping sync.WaitGroup
	keeping.Go(func() { k.run(ctx) })
	err = serveHTTP(ctx, listener, k.m.registry)
	stop()
	keeping.Wait()
	return err
}
