package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/alecthomas/kong"
)

// Settings are what the decisions go by.
type Settings struct {
	Min       int           `default:"2" placeholder:"N" help:"The fewest replicas there are to be. Default: 2."`
	Max       int           `default:"6" placeholder:"N" help:"The most. Default: 6."`
	InFlight  float64       `default:"1" placeholder:"N" help:"How many requests at once one replica is to have on average. Default: 1, for its one heavy slot."`
	Processor float64       `default:"0.7" placeholder:"N" help:"How many processors one replica is to use. Default: 0.7."`
	P99       time.Duration `name:"p99" default:"250ms" placeholder:"TIME" help:"How long 99 of 100 calls without a simulated delay may take, before there is one replica more. Default: 250ms."`
	Orders    time.Duration `default:"1m" placeholder:"TIME" help:"How long an order may wait to be validated, before there is one more. Default: 1m."`
	UpAfter   time.Duration `default:"30s" placeholder:"TIME" help:"For how long there must be too much, before there are more. Default: 30s."`
	DownAfter time.Duration `default:"5m" placeholder:"TIME" help:"For how long fewer must have been enough since anything changed, before there are fewer. Default: 5m."`
	Settle    time.Duration `default:"1m" placeholder:"TIME" help:"How long nothing is done after a change. Default: 1m."`
	Drain     time.Duration `default:"1m" placeholder:"TIME" help:"What falls so fast that it is gone within this time needs no more replicas. Default: 1m."`
	Stale     time.Duration `default:"1m" placeholder:"TIME" help:"How old a figure may be. Default: 1m."`
}

// config is the command line.
type config struct {
	Settings   `embed:""`
	Every      time.Duration `default:"15s" placeholder:"TIME" help:"The time between two looks. Default: 15s."`
	Window     time.Duration `default:"1m" placeholder:"TIME" help:"Over how long Prometheus averages: four of its looks at least. Default: 1m."`
	DryRun     bool          `help:"Say what would be done, and do nothing."`
	Once       bool          `help:"Look once, say what is seen, and end."`
	Prometheus string        `placeholder:"URL" help:"Where Prometheus is, such as http://localhost:9090. Default: it is asked in its container, which must be on this machine."`
	Stack      string        `env:"STACK" default:"woody" placeholder:"NAME" help:"The stack's name (STACK). Default: woody."`
}

const description = "Scales the API of the running stack between bounds, by what Prometheus measures of it, and " +
	"logs why."

// parse reads the command line. done is true where that was all: --help.
func parse(args []string, stdout, stderr io.Writer) (c config, done bool, err error) {
	parser, err := kong.New(&c, kong.Name("scripts/autoscale"), kong.Description(description),
		kong.Writers(stdout, stderr), kong.Exit(func(int) { done = true }))
	if err != nil {
		return c, false, err
	}
	if _, err = parser.Parse(args); done {
		return c, true, nil
	}
	if err != nil {
		return c, false, fmt.Errorf("%w (see --help)", err)
	}
	return c, false, c.check()
}

// check refuses values that make no sense, alone or together.
func (c config) check() error {
	var errs []error
	refuse := func(wrong bool, format string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	refuse(c.Min < 1, "--min is %d: write 1 or more", c.Min)
	refuse(c.Max < c.Min || c.Max > maxReplicas, "--max is %d: write %d (--min) to %d, for which the proxy has places",
		c.Max, c.Min, maxReplicas)
	refuse(!(c.InFlight >= 0.01 && c.InFlight <= 1e6), "--in-flight is %g: write a number such as 1", c.InFlight)
	refuse(!(c.Processor >= 0.01 && c.Processor <= 1e6), "--processor is %g: write a number such as 0.7", c.Processor)
	for name, d := range map[string]time.Duration{
		"every": c.Every, "window": c.Window, "up-after": c.UpAfter, "down-after": c.DownAfter, "p99": c.P99,
		"orders": c.Orders, "settle": c.Settle, "drain": c.Drain, "stale": c.Stale,
	} {
		refuse(d < time.Millisecond || d > 24*time.Hour, "--%s is %s: write 1ms to 24h", name, d)
	}
	refuse(c.Every > c.Stale, "--every (%s) is longer than --stale (%s): each look would follow a gap", c.Every,
		c.Stale)
	refuse(c.DownAfter < c.UpAfter || c.DownAfter < c.Settle,
		"--down-after (%s) is shorter than --up-after (%s) or --settle (%s): it would flap", c.DownAfter, c.UpAfter,
		c.Settle)
	return errors.Join(errs...)
}

// maxReplicas is for how many the proxy has places: its server-template of api.
const maxReplicas = 50
