// The certificate keeper has the proxy of its node have the shop's certificate, also another one than it was started
// with: a proxy that starts again closes its port, and this program does not. docs/tls.md is for whoever operates it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/woodytoys/woodytoys/internal/serving"
	"github.com/woodytoys/woodytoys/internal/settings"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "certificate:", err)
		os.Exit(1)
	}
}

// run does what the command line asks for.
func run(args []string, stdout, stderr io.Writer) error {
	if len(args) > 0 && args[0] == "join" { // for scripts/certificate
		return join(args[1:], stdout, stderr)
	}
	var cfg config
	command, err := commandLine.Parse(&cfg, args, stdout, stderr)
	if err != nil {
		return err
	}
	if command == "healthcheck" {
		return serving.Healthcheck(cfg.Addr, cfg.ListeningFile)
	}
	log := cfg.Logger(stderr)
	settings.WarnOfUnknown(log)
	m := newMetrics()
	return serve(cfg, &keeper{source: cfg.Source, folder: folder(cfg.Folder), log: log, metrics: m, now: time.Now})
}

// serve keeps the certificate and serves metrics until a signal ends it. It returns nil after a clean stop.
func serve(cfg config, k *keeper) error {
	ctx, stop := serving.UntilSignal(context.Background())
	defer stop()
	listener, err := serving.ListenForOperators(cfg.Addr, k.log)
	if err != nil {
		return fmt.Errorf("WOODY_ADDR: %w", err)
	}
	announced, err := serving.Announce(cfg.ListeningFile, "WOODY_ADDR", listener.Addr().String())
	if err != nil {
		listener.Close()
		return err
	}
	defer announced.Remove()
	if err := k.begin(); err != nil {
		listener.Close()
		return err
	}
	k.report(nil)
	server := k.metrics.newServer()
	context.AfterFunc(ctx, func() { server.Close() })
	done := make(chan struct{})
	go func() {
		defer close(done)
		k.run(ctx)
	}()
	err = server.Serve(listener)
	stop()
	<-done
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
