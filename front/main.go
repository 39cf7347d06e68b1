// The front serves the shop's page and its assets. It is one container of the stack; the one-process shop mounts the
// same package, front/site, by itself.
package main

import (
	"context"
	"fmt"
	"time"

	"github.com/alecthomas/kong"

	"github.com/woodytoys/woodytoys/front/site"
	"github.com/woodytoys/woodytoys/internal/serving"
	"github.com/woodytoys/woodytoys/internal/settings"
)

// commands is what can be said on the command line.
type commands struct {
	config
	Serve       serveCommand       `cmd:"" default:"1" help:"Serve the site until SIGTERM, SIGINT or SIGHUP (the default)."`
	Healthcheck healthcheckCommand `cmd:"" help:"Exit 0 if the front at --addr is ready, else 1."`
}

func main() {
	settings.DropEmpty()
	var c commands
	k := kong.Parse(&c, kong.Name("front"), kong.ValueFormatter(settings.Help),
		kong.Description("Serves the page and the assets of the Woodytoys shop. Every flag can be set in the environment too."))
	k.FatalIfErrorf(k.Run(&c.config))
}

type serveCommand struct{}

// Run serves until it is told to stop. It returns nil after a clean stop.
func (serveCommand) Run(s *config) error {
	ctx, stop := serving.UntilSignal(context.Background())
	defer stop()
	log := s.logger()
	shelf := newAPI(s.APIURL)
	page, err := site.New(site.Config{
		Toys: shelf.toys, CDNURL: s.CDNURL, LimitRate: int64(s.LimitRate), ReplicaID: s.replica(), Logger: log,
	})
	if err != nil {
		return err
	}
	listener, err := serving.Listen(s.Addr, log)
	if err != nil {
		return fmt.Errorf("WOODY_ADDR: %w", err)
	}
	log.Info("the front is open", "addr", listener.Addr().String(), "replica", s.replica(), "api", s.APIURL)
	return newServer(page, log).run(ctx, listener, time.Duration(s.DrainDelay), time.Duration(s.DrainTimeout))
}

type healthcheckCommand struct{}

// Run asks the front on this machine whether it is ready.
func (healthcheckCommand) Run(s *config) error { return serving.Healthcheck(s.Addr) }
