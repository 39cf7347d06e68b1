// Package serving runs a Fiber application until its process is to end, and ends it without
// dropping a request.
package serving

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
)

// Drain is how an application ends.
type Drain struct {
	// Begin is called first: it is to turn readiness false and to have every response carry
	// Connection: close. Nil does nothing.
	Begin func()
	// Delay is how long new connections are still taken after Begin, for the proxy to notice.
	Delay time.Duration
	// Timeout is how long requests under way then have to finish.
	Timeout time.Duration
}

// Serve serves requests from ln until ctx ends, then drains. It closes ln. It returns nil when
// everything under way was finished, and an error when serving failed or Timeout was not enough.
func Serve(ctx context.Context, app *fiber.App, ln net.Listener, drain Drain) error {
	explainRefusals(app)
	if l, ok := ln.(*listener); ok {
		l.patience = takePatience(app.Server())
	}
	failed := make(chan error, 1)
	go func() { failed <- app.Listener(ln) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	if drain.Begin != nil {
		drain.Begin()
	}
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-time.After(drain.Delay):
	}
	bounded, cancel := context.WithTimeout(context.Background(), drain.Timeout)
	defer cancel()
	if err := app.ShutdownWithContext(bounded); err != nil {
		return fmt.Errorf("requests were still under way after %v: %w", drain.Timeout, err)
	}
	return nil
}

// URL returns how a person on this machine reaches a listener.
func URL(addr net.Addr) string {
	host, port, err := net.SplitHostPort(addr.String())
	if ip := net.ParseIP(host); err != nil || ip == nil || ip.IsUnspecified() || ip.IsLoopback() {
		host = "localhost"
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return "http://" + host + ":" + port
}
