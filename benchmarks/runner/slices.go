package runner

import (
	"fmt"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/report/raw"
	"github.com/woodytoys/woodytoys/benchmarks/runner/measure"
	"github.com/woodytoys/woodytoys/benchmarks/stage"
)

// Replicas on one machine share its cores, so that more of them show nothing. In slices each has a part of a core of
// its own, as on a machine of its own: the chapter of the report on scaling is made from that.

// slicePlanned returns about how long a number of replicas takes: to begin, to have its shelf filled, to become warm,
// and to be measured.
func (p Profile) slicePlanned() time.Duration { return 4*time.Second + 2*p.SliceFor }

// sliced returns the stages of several replicas whose API is their own.
func (r *run) sliced(names []string) (stages []stage.Stage) {
	for _, name := range names {
		if s := stage.Named(name); !s.Single && !s.SameAPI && s.On == "" && r.Driver == "local" &&
			len(r.Profile.Slices) > 0 {
			stages = append(stages, s)
		}
	}
	return stages
}

func (r *run) planSlices(names []string) {
	for range r.sliced(names) {
		r.Progress.Plan(time.Duration(len(r.Profile.Slices)) * r.Profile.slicePlanned())
	}
}

// measureSlices measures each stage with more and more replicas, each in a slice. Where this process may not make
// slices the run goes on without, with a warning.
func (r *run) measureSlices(names []string) error {
	for _, s := range r.sliced(names) {
		times := map[int]int{}
		for _, replicas := range r.Profile.Slices {
			times[replicas]++
			what := fmt.Sprintf("%s in slices of %g of a core, replicas: %d", s.Name, r.Profile.SliceCores, replicas)
			err := r.step(what, r.Profile.slicePlanned(), func() error {
				return r.measureSlice(s, replicas, times[replicas])
			})
			r.driver.End()
			if err != nil {
				return err
			}
			if r.about.Unsliced != "" {
				r.Progress.Say("no slices: %s", r.about.Unsliced)
				return r.folder.Describe(r.about)
			}
		}
	}
	return nil
}

// measureSlice brings a stage up with so many replicas, gives each its slice once its shelf is filled, and measures it,
// for the repeat-th time.
func (r *run) measureSlice(s stage.Stage, replicas, repeat int) error {
	p, config := r.Profile, r.Profile.Config.WithoutDelays()
	config.Replicas = replicas
	running, err := r.driver.Start(r.ctx, s, config)
	if err != nil {
		return err
	}
	shop, err := measure.Open(r.ctx, running, p.Products)
	if err != nil {
		return err
	}
	if err := shop.WarmEach(r.ctx); err != nil {
		return err
	}
	if err := r.driver.Slice(running, "api", p.SliceCores); err != nil {
		r.about.Unsliced = err.Error()
		return nil
	}
	slices := measure.Slices{Replicas: replicas, Cores: p.SliceCores, For: p.SliceFor}
	unsliced := max(s.Replicas(p.Config.Replicas), 1)
	for _, measured := range []func() (raw.Measurement, error){
		func() (raw.Measurement, error) { return shop.SlicedReads(r.ctx, slices, unsliced) },
		func() (raw.Measurement, error) { return shop.SlicedMix(r.ctx, slices, p.Sustained, unsliced) },
	} {
		m, err := measured()
		if err != nil {
			return r.keepCutOff(shop, repeat, err)
		}
		m.Repeat = repeat
		if err := r.folder.Keep(m); err != nil {
			return err
		}
	}
	return nil
}
