package runner

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/report/figures"
	"github.com/woodytoys/woodytoys/benchmarks/report/raw"
	"github.com/woodytoys/woodytoys/benchmarks/runner/driver"
	"github.com/woodytoys/woodytoys/benchmarks/runner/measure"
	"github.com/woodytoys/woodytoys/benchmarks/stage"
)

// phase is a part of a run: stages that are up together under one configuration, and what is measured of each of them
// in each repeat. A run has two: with the simulated delays, and without.
type phase struct {
	title  string
	config driver.Config
	// steps are what is done to a stage in a round, the first of which is 0.
	steps func(s stage.Stage, round int) []step
	// repeats is how many rounds have every step.
	repeats int
	// headline are the figures for whose comparison rounds are added.
	headline []figures.Key
}

// step is one thing that is done to a stage.
type step struct {
	what    string
	planned time.Duration
	do      work
	// lane is set for calls that only wait, on the simulated limits: steps of different lanes share nothing
	// that they wait for, and need no processor to speak of, so that they are measured side by side.
	lane string
	// headline are the figures of the headline that are made from it, or before whose measurement it is done. The
	// rounds that are added have what those figures need that are added for.
	headline []figures.Key
}

// wanted reports whether a step is done in a round that is added for some figures.
func (s step) wanted(wide []figures.Key) bool {
	return slices.ContainsFunc(s.headline, func(key figures.Key) bool { return slices.Contains(wide, key) })
}

// work measures a shop, and passes keep each measurement that succeeded.
type work func(shop *measure.Shop, keep func(raw.Measurement) error) error

// startPlanned is about how long a stage takes to be there.
const startPlanned = 1500 * time.Millisecond

// openPlanned returns about how long stages that are there take until their slow calls are verified.
func (p *phase) openPlanned() time.Duration { return p.config.HeavyDelay + p.config.SlowQueryDelay }

func (p *phase) plan(r *run, names []string) {
	names = p.having(names)
	r.Progress.Plan(time.Duration(len(names))*startPlanned + p.openPlanned())
	for round := range p.repeats {
		r.Progress.Plan(p.planned(names, round, nil))
	}
}

// having returns the stages of which the phase measures something.
func (p *phase) having(names []string) (some []string) {
	for _, name := range names {
		if len(p.steps(stage.Named(name), 0)) > 0 {
			some = append(some, name)
		}
	}
	return some
}

// planned returns about how long a round takes, which is added for the figures that are wide if it is none of the
// repeats.
func (p *phase) planned(names []string, round int, wide []figures.Key) (sum time.Duration) {
	alone, lanes := p.sort(names, round, wide)
	for _, t := range alone {
		sum += t.planned
	}
	return sum + longest(lanes)
}

// task is a step of a stage.
type task struct {
	step
	stage string
}

// sort parts a round's steps into those that are done alone, one after the other, and the lanes.
func (p *phase) sort(names []string, round int, wide []figures.Key) (alone []task, lanes map[string][]task) {
	lanes = map[string][]task{}
	for _, name := range names {
		for _, step := range p.steps(stage.Named(name), round) {
			if round >= p.repeats && !step.wanted(wide) {
				continue
			}
			if t := (task{step, name}); step.lane == "" {
				alone = append(alone, t)
			} else {
				lanes[step.lane] = append(lanes[step.lane], t)
			}
		}
	}
	return alone, lanes
}

// longest returns how long the lanes take side by side.
func longest(lanes map[string][]task) (most time.Duration) {
	for _, lane := range lanes {
		var sum time.Duration
		for _, t := range lane {
			sum += t.planned
		}
		most = max(most, sum)
	}
	return most
}

func (p *phase) run(r *run, names []string) error {
	names = p.having(names)
	shops, err := p.open(r, names)
	if err != nil {
		return err
	}
	for round := range p.repeats {
		if err := p.round(r, names, shops, round, nil, fmt.Sprintf(" (round %d of %d)", round+1,
			p.repeats)); err != nil {
			return err
		}
	}
	if err := p.addRounds(r, names, shops); err != nil {
		return err
	}
	r.driver.End()
	return nil
}

// round measures every stage once, in an order of its own.
func (p *phase) round(r *run, names []string, shops map[string]*measure.Shop, round int, wide []figures.Key,
	of string) error {
	order := slices.Clone(names)
	rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	alone, lanes := p.sort(order, round, wide)
	for _, t := range alone {
		if err := r.step(t.stage+": "+t.what+of, t.planned,
			func() error { return r.runTask(t, shops, round, false) }); err != nil {
			return err
		}
	}
	if len(lanes) == 0 {
		return nil
	}
	return r.step("side by side, what only waits"+of, longest(lanes),
		func() error { return r.sideBySide(lanes, shops, round) })
}

func (r *run) runTask(t task, shops map[string]*measure.Shop, round int, beside bool) error {
	err := t.do(shops[t.stage], func(m raw.Measurement) error {
		m.Repeat, m.SideBySide = round+1, beside
		if err := r.folder.Keep(m); err != nil || t.headline == nil {
			return err
		}
		r.headlined.Lock()
		defer r.headlined.Unlock()
		r.headline = append(r.headline, m)
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s: %s: %w", t.stage, t.what, r.keepCutOff(shops[t.stage], round+1, err))
	}
	return nil
}

// keepCutOff keeps what was stale or wrong in the measurement that ended a run with err, which it returns.
func (r *run) keepCutOff(shop *measure.Shop, repeat int, err error) error {
	m, found := shop.CutOff()
	if !found {
		return err
	}
	m.Repeat = repeat
	return errors.Join(err, r.folder.Keep(m))
}

// sideBySide does the steps of each lane one after the other, and the lanes side by side.
func (r *run) sideBySide(lanes map[string][]task, shops map[string]*measure.Shop, round int) error {
	errs := make(chan error)
	for _, lane := range lanes {
		go func() {
			for _, t := range lane {
				if err := r.runTask(t, shops, round, true); err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	var all error
	for range lanes {
		all = errors.Join(all, <-errs)
	}
	return all
}

// open starts stages, and then fills their shelves and verifies them side by side: what is verified waits.
func (p *phase) open(r *run, names []string) (map[string]*measure.Shop, error) {
	running := make([]*driver.Running, len(names))
	for i, name := range names {
		if err := r.step("starting "+name+", "+p.title, startPlanned, func() (err error) {
			running[i], err = r.driver.Start(r.ctx, stage.Named(name), p.config)
			return err
		}); err != nil {
			return nil, err
		}
	}
	opened, errs := make([]*measure.Shop, len(names)), make([]error, len(names))
	if err := r.step("filling shelves, "+p.title, p.openPlanned(), func() error {
		var group sync.WaitGroup
		for i := range running {
			group.Go(func() { opened[i], errs[i] = measure.Open(r.ctx, running[i], r.Profile.Products) })
		}
		group.Wait()
		return errors.Join(errs...)
	}); err != nil {
		return nil, err
	}
	shops := map[string]*measure.Shop{}
	for i, name := range names {
		shops[name] = opened[i]
	}
	return shops, nil
}
