// The observer looks for stale answers, in production and all the time: it writes to a probe of its own, which is no
// product, and reads it from every replica and through the proxy. No answer may be older than the newest write that was
// acknowledged before the read began. What it finds is in its metrics and, for each stale answer, in its log.
// docs/observer.md is for whoever operates it.
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
		fmt.Fprintln(os.Stderr, "observer:", err)
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
	return observe(cfg, newObserver(cfg, log, stderr))
}

// observe observes and serves metrics until a signal ends it. It returns nil after a clean stop.
func observe(cfg config, o *observer) error {
	ctx, stop := serving.UntilSignal(context.Background())
	defer stop()
	listener, err := serving.ListenForOperators(cfg.Addr, o.log)
	if err != nil {
		return fmt.Errorf("WOODY_ADDR: %w", err)
	}
	announced, err := serving.Announce(cfg.ListeningFile, "WOODY_ADDR", listener.Addr().String())
	if err != nil {
		listener.Close()
		return err
	}
	defer announced.Remove()
	o.log.Info("observing", "addr", listener.Addr().String(), "api", cfg.API, "proxy", cfg.Proxy, "rate", cfg.Rate)
	observing := make(chan struct{})
	go func() {
		defer close(observing)
		o.run(ctx)
	}()
	err = newServer(o.metrics.registry).serve(ctx, listener, cfg.DrainDelay, cfg.DrainTimeout)
	stop()
	<-observing
	return err
}
