package runner

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/load"
	"github.com/woodytoys/woodytoys/benchmarks/report/figures"
	"github.com/woodytoys/woodytoys/benchmarks/report/raw"
	"github.com/woodytoys/woodytoys/benchmarks/runner/driver"
	"github.com/woodytoys/woodytoys/benchmarks/runner/measure"
	"github.com/woodytoys/woodytoys/benchmarks/stage"
)

// withDelays returns the phase that measures the lab's table and the throughput.
func (r *run) withDelays() *phase {
	p := r.Profile
	return &phase{
		title: "with its delays", config: p.Config, repeats: p.Repeats, steps: r.delayedSteps,
		headline: p.delayedHeadline(),
	}
}

// delayedHeadline returns the headline's figures with delays.
func (p Profile) delayedHeadline() []figures.Key {
	most := p.mostConns()
	return []figures.Key{figures.Page, figures.Throughput("heavy", most), figures.Throughput("last", most)}
}

// among returns a figure alone if it is one of the headline, else none.
func among(headline []figures.Key, key figures.Key) []figures.Key {
	if slices.Contains(headline, key) {
		return []figures.Key{key}
	}
	return nil
}

// delayedSteps returns what is measured of a stage in a round of the phase with delays.
func (r *run) delayedSteps(s stage.Stage, round int) (steps []step) {
	p := r.Profile
	headline := p.delayedHeadline()
	c := p.Config
	replicas := max(s.Replicas(c.Replicas), 1)
	page := 100 * time.Millisecond
	if !s.Edge && c.Uplink > 0 {
		page += time.Duration(5.04e6 / float64(c.Uplink) * float64(time.Second))
	}
	table := page + c.HeavyDelay + c.SlowQueryDelay + time.Duration((4+2*replicas)/(2*replicas))*c.HeavyDelay
	if round == 0 {
		steps = append(steps, step{what: "the first page", planned: page,
			do: keeping(func(shop *measure.Shop) (raw.Measurement, error) {
				return shop.FirstPage(r.ctx)
			})})
	}
	lane := ""
	if replicas > 1 && !s.Redis && !s.Edge {
		lane = s.Name // all of it waits
	}
	steps = append(steps, step{
		what: "the lab's table", planned: table, lane: lane, headline: []figures.Key{figures.Page},
		do: func(shop *measure.Shop, keep func(raw.Measurement) error) error {
			return shop.Table(r.ctx, s.MayKeep(), keep)
		},
	})
	if r.chrome != nil && round == 0 {
		steps = append(steps, step{
			what: "the page in Chromium", planned: page + 500*time.Millisecond,
			do: keeping(func(shop *measure.Shop) (raw.Measurement, error) {
				return shop.InBrowser(r.ctx, r.chrome)
			}),
		})
	}
	if s.SameAPI && !p.SameAPIs {
		return steps
	}
	for _, what := range p.Endpoints {
		for _, conns := range p.Levels {
			planned, lane := p.HeyFor+150*time.Millisecond, ""
			if wait, places := slow(what, c); wait > 0 && !s.Redis {
				planned += min(time.Duration(max(1, float64(conns)/float64(places*replicas))*float64(wait)),
					35*time.Second)
				// Where there are several replicas, calls of another kind would change how the proxy deals them
				// out.
				if lane = s.Name; replicas == 1 {
					lane += " " + what
				}
			}
			steps = append(steps, step{
				what: fmt.Sprintf("%s by %d, with hey", what, conns), planned: planned, lane: lane,
				headline: among(headline, figures.Throughput(what, conns)),
				do: keeping(func(shop *measure.Shop) (raw.Measurement, error) {
					return shop.Throughput(r.ctx, r.Hey, what, s.MayKeep(), conns, p.HeyFor)
				}),
			})
		}
	}
	return steps
}

// keeping returns the work of a step that is one measurement, which is kept if it succeeded.
func keeping(measured func(*measure.Shop) (raw.Measurement, error)) work {
	return func(shop *measure.Shop, keep func(raw.Measurement) error) error {
		m, err := measured(shop)
		if err != nil {
			return err
		}
		return keep(m)
	}
}

// profiled measures the sustained mix while a replica records what its processor time goes into.
func (r *run) profiled(shop *measure.Shop, p Profile) (m raw.Measurement, err error) {
	var profile []byte
	var profileErr error
	var profiling sync.WaitGroup
	profiling.Go(func() { profile, profileErr = shop.Profile(r.ctx, p.SustainedFor) })
	m, err = shop.Mix(r.ctx, "sustained", p.Sustained, 0, p.SustainedFor)
	profiling.Wait()
	if profileErr == nil {
		profileErr = os.WriteFile(filepath.Join(r.Dir, shop.Name+".pprof"), profile, 0o644)
	}
	return m, errors.Join(err, profileErr)
}

// slow returns how long a call waits on purpose, and how many a replica serves at once.
func slow(what string, c driver.Config) (wait time.Duration, places int) {
	switch what {
	case "heavy":
		return c.HeavyDelay, c.HeavySlots
	case "last":
		return c.SlowQueryDelay, c.DBPool
	}
	return 0, 1
}

// withoutDelays returns the phase that measures the mix, the latencies and the writes.
func (r *run) withoutDelays() *phase {
	p := r.Profile
	return &phase{
		title: "without delays", config: p.Config.WithoutDelays(), repeats: p.Repeats, steps: r.undelayedSteps,
		headline: p.undelayedHeadline(),
	}
}

// undelayedHeadline returns the headline's figures without delays.
func (p Profile) undelayedHeadline() []figures.Key {
	return []figures.Key{figures.Sustained(p.Sustained).Rate(), figures.Objective}
}

// undelayedSteps returns what is measured of a stage in a round of the phase without delays.
func (r *run) undelayedSteps(s stage.Stage, round int) (steps []step) {
	p := r.Profile
	if s.SameAPI && !p.SameAPIs {
		return nil
	}
	headline := p.undelayedHeadline()
	add := func(what string, planned time.Duration, headline []figures.Key,
		measured func(*measure.Shop) (raw.Measurement, error)) {
		steps = append(steps, step{
			what: what, planned: planned + 150*time.Millisecond, headline: headline, do: keeping(measured),
		})
	}
	steps = append(steps, step{
		what: "warming up", planned: p.Warm, headline: headline,
		do: func(shop *measure.Shop, _ func(raw.Measurement) error) error { return shop.Warm(r.ctx, p.Warm) },
	})
	for _, level := range p.Mix {
		planned := time.Duration(float64(level[1]) / 8000 * float64(time.Second))
		add(fmt.Sprintf("80/20 mix, %d requests by %d", level[1], level[0]), planned, nil,
			func(shop *measure.Shop) (raw.Measurement, error) {
				return shop.Mix(r.ctx, "mix", level[0], level[1], 0)
			})
	}
	add(fmt.Sprintf("80/20 mix, sustained by %d", p.Sustained), p.SustainedFor, headline[:1],
		func(shop *measure.Shop) (raw.Measurement, error) {
			if !r.Profiles || round > 0 {
				return shop.Mix(r.ctx, "sustained", p.Sustained, 0, p.SustainedFor)
			}
			return r.profiled(shop, p)
		})
	for _, rate := range p.Rates {
		add(fmt.Sprintf("reads at %.0f/s", rate), p.RateFor, nil,
			func(shop *measure.Shop) (raw.Measurement, error) {
				return shop.Latency(r.ctx, "latency", rate, p.RateFor)
			})
	}
	add("writes until they are fresh everywhere", time.Duration(p.FreshWrites)*5*time.Millisecond, nil,
		func(shop *measure.Shop) (raw.Measurement, error) { return shop.Fresh(r.ctx, p.FreshWrites) })
	if p.Sale.Toys > 0 && round < p.Repeats {
		steps = append(steps, step{
			what: fmt.Sprintf("a sale of %d to %d orders by %d", p.Sale.Toys, p.Sale.Orders, p.Sale.Buyers),
			// Orders take no less than the writes of the mix.
			planned: p.SaleFor + time.Duration(float64(p.Sale.Orders)/4000*float64(time.Second)),
			do: func(shop *measure.Shop, keep func(raw.Measurement) error) error {
				return shop.Sale(r.ctx, p.Sale, p.SaleFor, keep)
			},
		})
	}
	if round < p.Searches || round >= p.Repeats {
		probes := 8
		if round > 0 {
			probes = 5 // it begins near what it found before
		}
		steps = append(steps, step{
			what: "searching the highest rate", planned: time.Duration(probes) * (p.ProbeFor + 200*time.Millisecond),
			headline: headline[1:],
			do: func(shop *measure.Shop, keep func(raw.Measurement) error) error {
				return r.searchHighest(shop, keep, s.Name)
			},
		})
	}
	return steps
}

// searchStep is how near to each other the highest rate that held and the lowest that did not are to be, as a factor.
const searchStep = 1.1

// searchHighest searches the highest rate that holds the objective, from near the one that was found before. The first
// time it searches from what was sustained of the mix, whose writes take more than reads.
func (r *run) searchHighest(shop *measure.Shop, keep func(raw.Measurement) error, stage string) error {
	holds := func(rate float64) (bool, error) {
		m, err := shop.Latency(r.ctx, "probe", rate, r.Profile.ProbeFor)
		if err == nil {
			err = keep(m)
		}
		return figures.Holds(m, r.Profile.Objective), err
	}
	sustained, err := r.sustained(stage)
	if err != nil {
		return err
	}
	var held float64
	if near := r.highest[stage]; near > 0 || sustained == 0 {
		held, err = load.Highest(near, searchStep, holds)
	} else {
		held, err = load.HighestFrom(sustained, searchStep, holds)
	}
	r.highest[stage] = held
	return err
}

// sustained returns the rate of the mix that a stage sustained in this run so far; zero for none.
func (r *run) sustained(stage string) (float64, error) {
	results, err := figures.Make(r.about, slices.DeleteFunc(slices.Clone(r.headline),
		func(m raw.Measurement) bool { return m.Name != "sustained" || m.Stage != stage }))
	if err != nil {
		return 0, err
	}
	rate, _ := results.Mean(stage, figures.Sustained(r.Profile.Sustained).Rate())
	return rate, nil
}
