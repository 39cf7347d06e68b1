package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/machine"
	"github.com/woodytoys/woodytoys/benchmarks/report/raw"
	"github.com/woodytoys/woodytoys/benchmarks/runner/driver"
	"github.com/woodytoys/woodytoys/benchmarks/runner/measure"
	"github.com/woodytoys/woodytoys/benchmarks/stage"
	"github.com/woodytoys/woodytoys/internal/browser"
)

// Options are what a run is asked to do.
type Options struct {
	Profile Profile
	// Command is what would do the same again.
	Command string
	// Dir is the run's folder, which is made.
	Dir string
	// Stages are which to measure, in order.
	Stages []string
	// Driver is local (the default), swarm, or target.
	Driver string
	// API, Front and Hey are programs to use in the place of those that are built here; the first two with
	// the local driver only.
	API, Front, Hey string
	// Target is the address of what is deployed already, for that driver.
	Target string
	// Port is the first of the ports of the swarm driver's stacks.
	Port int
	// Profiles makes a replica of each stage record what its processor time went into while the mix was
	// sustained the first time, as STAGE.pprof in Dir.
	Profiles bool
	// Browser reports whether the page is opened in Chromium too.
	Browser  bool
	Progress *Progress
}

// ErrStopped is a run that ended before its end. What it had measured is in its folder.
var ErrStopped = errors.New("the run ended before its end")

// Run runs a benchmark. When ctx ends, or a component does, everything that was started is ended and what
// was measured is kept: the error is then ErrStopped, with the cause.
func Run(ctx context.Context, o Options) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if err := roomFor(o.Dir); err != nil {
		return err
	}
	if o.Driver == "" {
		o.Driver = "local"
	}
	if o.Driver == "target" {
		o.Stages = []string{stage.Target.Name}
	}
	r := &run{Options: o, ctx: ctx, cancel: cancel, moreFor: o.Profile.MoreFor,
		highest: map[string]float64{}}
	if r.folder, err = raw.Create(o.Dir); err != nil {
		return err
	}
	defer r.folder.Close()
	defer r.end()
	r.describe()
	err = r.prepare()
	if err == nil {
		err = r.measure()
	}
	r.end()
	r.about.Ended = time.Now().UTC()
	if err != nil {
		err = r.why(err)
		r.about.Stopped = firstLine(err)
	}
	if describeErr := r.folder.Describe(r.about); err == nil {
		err = describeErr
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrStopped, err)
	}
	return nil
}

// endShows is how long it may take until the end of a component is known, on a machine that is busy.
const endShows = 5 * time.Second

// why returns why a run failed: because a component ended, where one did. That nobody responds is noticed sooner.
func (r *run) why(err error) error {
	select {
	case <-r.ctx.Done():
		return context.Cause(r.ctx)
	case <-time.After(endShows):
		return err
	}
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// leastRoom is how much a run and its databases may write.
const leastRoom = 500 << 20

// roomFor looks whether there is room on the disks that are written to.
func roomFor(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, place := range []string{dir, os.TempDir()} {
		var disk syscall.Statfs_t
		if err := syscall.Statfs(place, &disk); err != nil {
			return fmt.Errorf("%s: %w", place, err)
		}
		if free := disk.Bavail * uint64(disk.Bsize); free < leastRoom {
			return fmt.Errorf("the disk that holds %s has %d MB left, and a run needs up to %d: free some of it, or "+
				"name a folder elsewhere (--out; TMPDIR for the databases)",
				place, free>>20, leastRoom>>20)
		}
	}
	return nil
}

// run is a run under way.
type run struct {
	Options
	ctx     context.Context
	cancel  context.CancelCauseFunc
	folder  *raw.Folder
	about   raw.Run
	driver  driver.Driver
	tempDir string // temporary folder for the programs that are built

	moreFor   time.Duration // for how long rounds may still be added
	headlined sync.Mutex
	headline  []raw.Measurement  // the measurements that the headline's figures are made from
	highest   map[string]float64 // by stage, the last rate that a search found to hold
	chrome    *browser.Browser
}

// end ends everything that was started. It may be called twice.
func (r *run) end() {
	r.Progress.Close()
	if r.chrome != nil {
		r.chrome.Close()
		r.chrome = nil
	}
	if r.driver != nil {
		r.driver.Close()
		r.driver = nil
	}
	if r.tempDir != "" {
		os.RemoveAll(r.tempDir)
	}
}

func (r *run) describe() {
	p, c := r.Profile, r.Profile.Config
	r.about = raw.Run{
		Command: r.Command, Profile: p.Name, Driver: r.Driver, Target: r.Target, Began: time.Now().UTC(),
		Versions: map[string]string{"go": runtime.Version()},
		Settings: raw.Settings{
			HeavyDelayMs: c.HeavyDelay.Milliseconds(), SlowQueryDelayMs: c.SlowQueryDelay.Milliseconds(),
			UplinkBytes: c.Uplink, Replicas: c.Replicas,
			HeavySlots: c.HeavySlots, DBPool: c.DBPool, Products: p.Products, Repeats: p.Repeats,
			ObjectiveMs: p.Objective.Milliseconds(),
			SaleToys:    p.Sale.Toys, SaleBuyers: p.Sale.Buyers, SaleOrders: p.Sale.Orders,
		},
	}
	var here raw.Machine
	here.CPUs, here.Model, here.Kernel, here.MemoryBytes = machine.Facts()
	switch {
	case r.Driver == "target": // it has its own limits and sizes, on machines of its own
		s := &r.about.Settings
		s.HeavyDelayMs, s.SlowQueryDelayMs, s.UplinkBytes = 0, 0, 0
		s.Replicas, s.HeavySlots, s.DBPool = 0, 0, 0
		r.about.Generator, r.about.Versions["generator"] = here, machine.Revision()
		return
	case r.Driver == "local" && r.API != "":
		r.about.Versions["woodytoys"] = driver.RevisionOf(r.API)
	default:
		r.about.Versions["woodytoys"] = machine.Revision()
	}
	r.about.Machine = here
	if r.Driver == "local" && r.Front != "" {
		r.about.Versions["front"] = driver.RevisionOf(r.Front)
	}
}

// step runs do, which takes a while, and shows that.
func (r *run) step(what string, planned time.Duration, do func() error) error {
	if r.ctx.Err() != nil {
		return context.Cause(r.ctx)
	}
	r.Progress.Begin(what, planned)
	defer r.Progress.End()
	err := do()
	if err == nil {
		return nil
	}
	select { // the end of a component explains more than what it broke, and may be reported a little later
	case <-r.ctx.Done():
		return context.Cause(r.ctx)
	case <-time.After(time.Second):
		return err
	}
}

// prepare builds the programs and looks at what is there.
func (r *run) prepare() (err error) {
	if r.tempDir, err = os.MkdirTemp("", "woody-hey"); err != nil {
		return err
	}
	if r.Hey == "" {
		r.Hey = filepath.Join(r.tempDir, "hey")
		if err := r.step("building hey", 0, func() error { return measure.BuildHey(r.Hey) }); err != nil {
			return err
		}
	}
	r.about.Versions["hey"] = measure.HeyVersion(r.Hey)
	if err := r.step("getting ready: programs, servers", 0, r.open); err != nil {
		return err
	}
	for name, version := range r.driver.Versions() {
		r.about.Versions[name] = version
	}
	for _, name := range r.Stages {
		s := stage.Named(name)
		described := raw.Stage{Name: name, On: s.On, Replicas: s.Replicas(r.Profile.Config.Replicas),
			Missing: r.driver.Missing(s)}
		if described.Missing != "" {
			r.Progress.Say("%s is not measured: %s", name, described.Missing)
		}
		r.about.Stages = append(r.about.Stages, described)
	}
	if len(r.sliced(r.measured())) > 0 {
		r.about.SliceCores = r.Profile.SliceCores
	}
	if r.Browser {
		if r.chrome, err = browser.Start(r.driver.Hosts()...); err != nil {
			return err
		}
		r.about.Versions["chromium"] = browser.Version()
	}
	return r.folder.Describe(r.about)
}

// open makes the driver.
func (r *run) open() error {
	switch r.Driver {
	case "target":
		target, err := driver.NewTarget(r.Target)
		if err == nil {
			r.driver = target
		}
		return err
	case "swarm":
		swarm, err := driver.NewSwarm(r.Port)
		if err == nil {
			r.driver = swarm
		}
		return err
	}
	local, err := driver.NewLocal(r.ctx, r.API, r.Front, func(err error) { r.cancel(err) })
	if err == nil {
		r.driver = local
	}
	return err
}

// measured returns the stages that can be.
func (r *run) measured() (names []string) {
	for _, stage := range r.about.Stages {
		if stage.Missing == "" {
			names = append(names, stage.Name)
		}
	}
	return names
}

// measure does everything that the profile asks for, with the delays and then without. What is deployed
// has the delays that it has: it is measured once.
func (r *run) measure() error {
	with, without := r.withDelays(), r.withoutDelays()
	names := r.measured()
	if len(names) == 0 {
		return errors.New("no stage can be measured")
	}
	with.plan(r, names)
	without.plan(r, names)
	r.planSlices(names)
	r.planWatched(names)
	r.planNodes(names)
	for _, phase := range []*phase{with, without} {
		if err := phase.run(r, names); err != nil {
			return err
		}
	}
	if err := r.measureSlices(names); err != nil {
		return err
	}
	if err := r.measureWatched(names); err != nil {
		return err
	}
	return r.measureNodes(names)
}
