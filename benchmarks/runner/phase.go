package runner

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
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
	// headline is set for what the headline's figures are made from, and what goes before: the rounds that are added
	// have no more.
	headline bool
}

// work measures a shop, and passes keep each measurement that succeeded.
type work func(shop *measure.Shop, keep func(raw.Measurement) error) error

// startPlanned returns about how long a stage takes to be there, its shelf filled and its slow calls verified.
func (p *phase) startPlanned() time.Duration {
	return 1500*time.Millisecond + p.config.HeavyDelay + p.config.SlowQueryDelay
}

func (p *phase) plan(r *run, names []string) {
	r.Progress.Plan(time.Duration(len(names)) * p.startPlanned())
	for round := range p.repeats {
		r.Progress.Plan(p.planned(names, round))
	}
}

// planned returns about how long a round takes.
func (p *phase) planned(names []string, round int) (sum time.Duration) {
	alone, lanes := p.sort(names, round)
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
func (p *phase) sort(names []string, round int) (alone []task, lanes map[string][]task) {
	lanes = map[string][]task{}
	for _, name := range names {
		for _, step := range p.steps(stage.Named(name), round) {
			if round >= p.repeats && !step.headline {
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
	shops := map[string]*measure.Shop{}
	for _, name := range names {
		if err := r.step("starting "+name+", "+p.title, p.startPlanned(), func() (err error) {
			shops[name], err = p.open(r, name)
			return err
		}); err != nil {
			return err
		}
	}
	for round := range p.repeats {
		if err := p.round(r, names, shops, round, fmt.Sprintf(" (round %d of %d)", round+1, p.repeats)); err != nil {
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
func (p *phase) round(r *run, names []string, shops map[string]*measure.Shop, round int, of string) error {
	order := slices.Clone(names)
	rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	alone, lanes := p.sort(order, round)
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
		if err := r.folder.Keep(m); err != nil || !t.headline {
			return err
		}
		r.headlined.Lock()
		defer r.headlined.Unlock()
		r.headline = append(r.headline, m)
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s: %s: %w", t.stage, t.what, err)
	}
	return nil
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

func (p *phase) open(r *run, name string) (*measure.Shop, error) {
	running, err := r.driver.Start(r.ctx, stage.Named(name), p.config)
	if err != nil {
		return nil, err
	}
	return measure.Open(r.ctx, running, r.Profile.Products)
}
