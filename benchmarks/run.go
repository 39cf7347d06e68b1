package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"github.com/woodytoys/woodytoys/benchmarks/report"
	"github.com/woodytoys/woodytoys/benchmarks/report/figures"
	"github.com/woodytoys/woodytoys/benchmarks/runner"
	"github.com/woodytoys/woodytoys/benchmarks/stage"
	"github.com/woodytoys/woodytoys/internal/serving"
)

type runCommand struct {
	Profile string   `default:"quick" help:"${profile}"`
	Stages  []string `placeholder:"NAME" help:"${stages}"`
	Out     string   `placeholder:"DIR" help:"The run's folder (default: benchmarks/runs/DATE-TIME-PROFILE)."`
	Driver  string   `default:"local" enum:"local,swarm" help:"${driver}"`
	Port    int      `default:"18080" help:"The first stack's port; the others have those behind it."`
	Target  string   `placeholder:"URL" help:"${target}"`
	API     string   `name:"api" placeholder:"FILE" help:"${api}"`
	Front   string   `placeholder:"FILE" help:"The same for the front."`
	Hey     string   `placeholder:"FILE" help:"A hey to use instead of the one that go.mod pins."`

	// Those that are nil where they are not given.
	Replicas       *int           `placeholder:"N" help:"${replicas}"`
	Repeats        *int           `placeholder:"N" help:"How often everything is measured (default: the profile's)."`
	MoreFor        *time.Duration `placeholder:"TIME" help:"${more_for}"`
	HeavyDelay     *time.Duration `placeholder:"TIME" help:"${heavy_delay}"`
	SlowQueryDelay *time.Duration `placeholder:"TIME" help:"${slow_query_delay}"`

	Profiles bool `help:"${profiles}"`
	Browser  bool `default:"true" negatable:"" help:"Open the page in Chromium too."`
}

// runHelp is the help text of run's flags that need more than a few words.
var runHelp = kong.Vars{
	"profile": "quick (less than eight minutes; delays a tenth of the lab's), full (the lab's own), or smoke " +
		"(seconds; its figures mean nothing).",
	"stages": "Which stages, in order (default: baseline,replicas,redis,cdn; with the profile full database too).",
	"driver": "local: processes of this machine. swarm: the stack files, each stage as a stack of its own.",
	"target": "Measure what is deployed at http://HOST[:PORT] instead. It is written to: thousands of products. " +
		"Its stages, replicas and delays are what they are.",
	"api":      "An api program to measure instead of the one that is built from here, with the local driver.",
	"replicas": "How many replicas from the stage replicas on (default: the profile's).",
	"more_for": "For how long the run adds rounds of those of the headline's figures whose intervals are wider than " +
		"a tenth; 0s for none (default: the profile's).",
	"heavy_delay":      "The simulated computing time (default: the profile's).",
	"slow_query_delay": "The simulated time of the last product's query (default: the profile's).",
	"profiles": "Keep a processor profile of a replica of each stage, as STAGE.pprof in the run's folder (go tool " +
		"pprof reads it), with the local driver.",
}

// Run measures, writes the report, and prints a short summary.
func (c *runCommand) Run() error {
	profile, err := c.profile()
	if err == nil {
		err = c.check()
	}
	if err != nil {
		return err
	}
	if len(c.Stages) == 0 {
		c.Stages = profile.Stages
	}
	if c.Target != "" {
		c.Driver = "target"
	}
	if c.Out == "" {
		c.Out = filepath.Join("benchmarks", "runs", time.Now().UTC().Format("2006-01-02-150405")+"-"+c.Profile)
	}
	if c.Browser && !hasChromium() {
		return errors.New("chromium is not installed: scripts/need chromium installs it on Debian; or leave the page " +
			"in a browser out with --no-browser")
	}
	debug.SetGCPercent(800) // the generator shares the processor with what it measures
	// A second Ctrl-C ends at once; the kernel then ends what was started.
	ctx, stop := serving.UntilSignal(context.Background())
	defer stop()
	runErr := runner.Run(ctx, runner.Options{
		Profile: profile, Command: "go run ./benchmarks " + strings.Join(os.Args[1:], " "),
		Dir: c.Out, Stages: c.Stages,
		Driver: c.Driver, Port: c.Port, API: c.API, Front: c.Front, Hey: c.Hey, Target: c.Target, Profiles: c.Profiles,
		Browser: c.Browser, Progress: runner.NewProgress(os.Stderr),
	})
	if runErr != nil && !errors.Is(runErr, runner.ErrStopped) {
		return runErr
	}
	return errors.Join(runErr, c.conclude())
}

// conclude writes the report and prints where it is. An invalid run is an error.
func (c *runCommand) conclude() error {
	r, err := figures.Load(c.Out)
	if err != nil {
		return err
	}
	if err := report.Write(r, c.Out); err != nil {
		return err
	}
	fmt.Printf("\n%s\nThe report: %s\n", report.Markdown(r), filepath.Join(c.Out, report.HTMLFile))
	return invalid(r)
}

func invalid(r *figures.Results) error {
	if r.Valid {
		return nil
	}
	return fmt.Errorf("the run is INVALID: %s", strings.Join(r.Invalid, "\n  "))
}

// check returns an error where what the flags ask for cannot be, or would be left undone.
func (c *runCommand) check() error {
	for i, name := range c.Stages {
		switch {
		case !slices.Contains(stage.Names(), name):
			return fmt.Errorf("--stages has %q: say some of %s", name, strings.Join(stage.Names(), ","))
		case slices.Contains(c.Stages[:i], name):
			return fmt.Errorf("--stages has %s twice: name each stage once (--repeats says how often it is measured)",
				name)
		}
	}
	for _, least := range []struct {
		flag string
		low  bool
		say  string
	}{
		{"--replicas", c.Replicas != nil && *c.Replicas < 1, "1 or more"},
		{"--repeats", c.Repeats != nil && *c.Repeats < 1, "1 or more"},
		{"--more-for", c.MoreFor != nil && *c.MoreFor < 0, "0s for none, or how long"},
		{"--heavy-delay", c.HeavyDelay != nil && *c.HeavyDelay < 0, "0s for none, or how long"},
		{"--slow-query-delay", c.SlowQueryDelay != nil && *c.SlowQueryDelay < 0, "0s for none, or how long"},
	} {
		if least.low {
			return fmt.Errorf("%s is too low: say %s", least.flag, least.say)
		}
	}
	for _, given := range []struct {
		flag      string
		given     bool
		withSwarm bool // it means something with the swarm driver too
	}{
		{"--driver swarm", c.Driver == "swarm", true},
		{"--stages", len(c.Stages) > 0, true},
		{"--replicas", c.Replicas != nil, true},
		{"--heavy-delay", c.HeavyDelay != nil, true},
		{"--slow-query-delay", c.SlowQueryDelay != nil, true},
		{"--api", c.API != "", false},
		{"--front", c.Front != "", false},
		{"--profiles", c.Profiles, false},
	} {
		switch {
		case given.given && c.Target != "":
			return fmt.Errorf("%s has no meaning with --target, which is measured as it is: leave one of them out",
				given.flag)
		case given.given && c.Driver == "swarm" && !given.withSwarm:
			return fmt.Errorf("%s is of the local driver, whose processes the run starts itself: leave it or "+
				"--driver swarm out", given.flag)
		}
	}
	return nil
}

func (c *runCommand) profile() (runner.Profile, error) {
	p, err := runner.ProfileNamed(c.Profile)
	set(&p.Config.Replicas, c.Replicas)
	set(&p.Repeats, c.Repeats)
	set(&p.MoreFor, c.MoreFor)
	set(&p.Config.HeavyDelay, c.HeavyDelay)
	set(&p.Config.SlowQueryDelay, c.SlowQueryDelay)
	return p, err
}

// set sets a value to what is given, if it is.
func set[T any](value, given *T) {
	if given != nil {
		*value = *given
	}
}

func hasChromium() bool {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "headless-shell"} {
		if _, err := exec.LookPath(name); err == nil {
			return true
		}
	}
	return false
}
