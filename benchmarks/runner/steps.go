package runner

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/report/figures"
	"github.com/woodytoys/woodytoys/benchmarks/report/raw"
	"github.com/woodytoys/woodytoys/benchmarks/runner/driver"
	"github.com/woodytoys/woodytoys/benchmarks/runner/measure"
	"github.com/woodytoys/woodytoys/benchmarks/stage"
)

// withDelays is the lab's table and the throughput.
func (r *run) withDelays() *half {
	p := r.Profile
	return &half{title: "with its delays", config: p.Config, steps: func(s stage.Stage, repeat int) (steps []step) {
		c := p.Config
		replicas := max(s.Replicas(c.Replicas), 1)
		page := 100 * time.Millisecond
		if !s.Edge && c.Uplink > 0 {
			page += time.Duration(5.04e6 / float64(c.Uplink) * float64(time.Second))
		}
		table := page + c.HeavyDelay + c.SlowQueryDelay + time.Duration((4+2*replicas)/(2*replicas))*c.HeavyDelay
		if repeat == 0 {
			steps = append(steps, step{"the first page", page, func(shop *measure.Shop, keep func(raw.Measurement) error) error {
				return kept(keep)(shop.FirstPage(r.ctx))
			}, ""})
		}
		steps = append(steps, step{"the lab's table", table, func(shop *measure.Shop, keep func(raw.Measurement) error) error {
			return shop.Table(r.ctx, s.MayKeep(), keep)
		}, ""})
		if r.chrome != nil && repeat == 0 {
			steps = append(steps, step{"the page in Chromium", page + 500*time.Millisecond, func(shop *measure.Shop, keep func(raw.Measurement) error) error {
				return kept(keep)(shop.InBrowser(r.ctx, r.chrome))
			}, ""})
		}
		if s.SameAPI && !p.SameAPIs {
			return steps
		}
		for _, what := range p.Endpoints {
			for _, conns := range p.Levels {
				planned, lane := p.HeyFor+150*time.Millisecond, ""
				if wait, places := slow(what, c); wait > 0 && !s.Redis {
					planned += min(time.Duration(max(1, float64(conns)/float64(places*replicas))*float64(wait)), 35*time.Second)
					// Where there are several replicas, calls of another kind would change how the proxy deals them
					// out.
					if lane = s.Name; replicas == 1 {
						lane += " " + what
					}
				}
				steps = append(steps, step{fmt.Sprintf("%s by %d, with hey", what, conns), planned, func(shop *measure.Shop, keep func(raw.Measurement) error) error {
					return kept(keep)(shop.Throughput(r.ctx, r.Hey, what, s.MayKeep(), conns, p.HeyFor))
				}, lane})
			}
		}
		return steps
	}}
}

// kept keeps a measurement that came to its end.
func kept(keep func(raw.Measurement) error) func(raw.Measurement, error) error {
	return func(m raw.Measurement, err error) error {
		if err != nil {
			return err
		}
		return keep(m)
	}
}

// profiled is the sustained mix while a replica writes down what its processor time goes into.
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

// slow is how long a call waits on purpose, and how many a replica serves at once.
func slow(what string, c driver.Config) (wait time.Duration, places int) {
	switch what {
	case "heavy":
		return c.HeavyDelay, c.HeavySlots
	case "last":
		return c.SlowQueryDelay, c.DBPool
	}
	return 0, 1
}

// withoutDelays is the mix, the latencies and the writes.
func (r *run) withoutDelays() *half {
	p := r.Profile
	return &half{title: "without delays", config: p.Config.WithoutDelays(), steps: func(s stage.Stage, repeat int) (steps []step) {
		if s.SameAPI && !p.SameAPIs {
			return nil
		}
		one := func(what string, planned time.Duration, do func(shop *measure.Shop) (raw.Measurement, error)) {
			steps = append(steps, step{what, planned + 150*time.Millisecond, func(shop *measure.Shop, keep func(raw.Measurement) error) error {
				return kept(keep)(do(shop))
			}, ""})
		}
		steps = append(steps, step{"warming up", p.Warm, func(shop *measure.Shop, _ func(raw.Measurement) error) error { return shop.Warm(r.ctx, p.Warm) }, ""})
		for _, level := range p.Mix {
			one(fmt.Sprintf("80/20 mix, %d requests by %d", level[1], level[0]), time.Duration(float64(level[1])/5000*float64(time.Second)), func(shop *measure.Shop) (raw.Measurement, error) {
				return shop.Mix(r.ctx, "mix", level[0], level[1], 0)
			})
		}
		one(fmt.Sprintf("80/20 mix, sustained by %d", p.Sustained), p.SustainedFor, func(shop *measure.Shop) (raw.Measurement, error) {
			if !r.Profiles || repeat > 0 {
				return shop.Mix(r.ctx, "sustained", p.Sustained, 0, p.SustainedFor)
			}
			return r.profiled(shop, p)
		})
		for _, rate := range p.Rates {
			one(fmt.Sprintf("reads at %.0f/s", rate), p.RateFor, func(shop *measure.Shop) (raw.Measurement, error) {
				return shop.Latency(r.ctx, "latency", rate, p.RateFor)
			})
		}
		one("writes until they are fresh everywhere", time.Duration(p.FreshWrites)*5*time.Millisecond, func(shop *measure.Shop) (raw.Measurement, error) {
			return shop.Fresh(r.ctx, p.FreshWrites)
		})
		if repeat < p.Searches {
			steps = append(steps, step{"searching the highest rate", 10 * (p.ProbeFor + 200*time.Millisecond), func(shop *measure.Shop, keep func(raw.Measurement) error) error {
				return search(func(rate float64) (raw.Measurement, error) {
					m, err := shop.Latency(r.ctx, "probe", rate, p.ProbeFor)
					return m, kept(keep)(m, err)
				}, func(m raw.Measurement) bool { return figures.Holds(m, p.Objective) })
			}, ""})
		}
		return steps
	}}
}
