package runner

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/report/figures"
	"github.com/woodytoys/woodytoys/benchmarks/report/raw"
	"github.com/woodytoys/woodytoys/benchmarks/runner/driver"
	"github.com/woodytoys/woodytoys/benchmarks/runner/measure"
	"github.com/woodytoys/woodytoys/benchmarks/stage"
)

// What being watched costs is measured on a stage of its own, after everything else, in pairs of rounds: in one of them
// what stage observability adds is paused. Both have the mix at the same rate, which a loaded shop holds with room to
// spare, since in a closed loop who watches would make the shop slower instead of busier.

// watchStarts is about how long who watches takes to begin, most of which Prometheus waits before it looks for targets.
const watchStarts = 7 * time.Second

// watchedStage returns the stage that is watched: the last of the row that has Redis and an API of its own. ok reports
// whether there is one, and the profile asks for it.
func (r *run) watchedStage(names []string) (s stage.Stage, ok bool) {
	if r.Driver != "local" || r.Profile.Watched == 0 {
		return s, false
	}
	for _, name := range slices.Backward(names) {
		if s := stage.Named(name); s.Redis && !s.SameAPI && s.On == "" {
			return s, true
		}
	}
	return s, false
}

// watchedFor returns how long the rounds on one side are.
func (p Profile) watchedFor(side string) time.Duration {
	if side == figures.With {
		return p.WatchedFor
	}
	return p.UnwatchedFor
}

// watchedPlanned returns about how long all of it takes.
func (r *run) watchedPlanned() time.Duration {
	p := r.Profile
	return startPlanned + watchStarts +
		time.Duration(p.Watched)*(2*p.Warm+p.UnwatchedFor+p.WatchedFor)
}

func (r *run) planWatched(names []string) {
	if _, ok := r.watchedStage(names); ok && r.driver.Unwatched() == "" {
		r.Progress.Plan(r.watchedPlanned())
	}
}

// measureWatched measures the pairs. Where nothing is installed that could watch the run goes on without, with a
// warning.
func (r *run) measureWatched(names []string) error {
	s, ok := r.watchedStage(names)
	if !ok {
		return nil
	}
	if r.about.Unwatched = r.driver.Unwatched(); r.about.Unwatched != "" {
		r.Progress.Say("what being watched costs is not measured: %s", r.about.Unwatched)
		return r.folder.Describe(r.about)
	}
	rate, err := r.halfSustained(s)
	if err != nil {
		return err
	}
	defer r.driver.End()
	shops, err := r.withoutDelays().open(r, []string{s.Name})
	if err != nil {
		return err
	}
	shop := shops[s.Name]
	var watch *driver.Watch
	if err := r.step("starting who watches "+s.Name, watchStarts, func() (err error) {
		watch, err = r.driver.Watch(shop.Running)
		return err
	}); err != nil {
		return err
	}
	defer watch.End()
	return r.measurePairs(shop, watch, rate)
}

// measurePairs measures the pairs, every other one in the other order.
func (r *run) measurePairs(shop *measure.Shop, watch *driver.Watch, rate float64) error {
	p := r.Profile
	for pair := range p.Watched {
		sides := []string{figures.Without, figures.With}
		if pair%2 == 1 {
			slices.Reverse(sides)
		}
		for _, side := range sides {
			what := fmt.Sprintf("%s: 80/20 mix at %.0f/s, %s being watched (pair %d of %d)", shop.Name, rate, side,
				pair+1, p.Watched)
			if err := r.step(what, p.Warm+p.watchedFor(side), func() error {
				m, err := r.measureSide(shop, watch, side, rate)
				if err != nil {
					return r.keepCutOff(shop, pair+1, err)
				}
				m.Repeat = pair + 1
				return r.folder.Keep(m)
			}); err != nil {
				return err
			}
		}
	}
	return nil
}

// measureSide measures one side of a pair.
func (r *run) measureSide(shop *measure.Shop, watch *driver.Watch, side string, rate float64) (
	m raw.Measurement, err error) {
	turn := watch.Pause
	if side == figures.With {
		turn = watch.Resume
	}
	if err := turn(); err != nil {
		return m, err
	}
	if err := shop.Warm(r.ctx, r.Profile.Warm); err != nil {
		return m, err
	}
	m, err = shop.Watched(r.ctx, side, rate, r.Profile.watchedFor(side))
	if err != nil || side == figures.Without {
		return m, err
	}
	up, down, err := watch.Targets()
	m.Count("targets_up", float64(up))
	m.Count("targets_down", float64(down))
	return m, err
}

// halfSustained returns half of the rate that a stage sustained in this run, in whole hundreds.
func (r *run) halfSustained(s stage.Stage) (float64, error) {
	sustained, err := r.sustained(s.Name)
	return max(100, math.Round(sustained/200)*100), err
}
