package main

import (
	"fmt"
	"strings"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/load"
	"github.com/woodytoys/woodytoys/benchmarks/pairs"
	"github.com/woodytoys/woodytoys/benchmarks/pairs/versus"
	reverseproxy "github.com/woodytoys/woodytoys/reverse-proxy"
)

// finest is how near a search comes to the highest rate, as a factor; what it tries has two digits and a half.
const finest = 1.03

// hit reports whether a response came from the near cache.
func hit(response load.Response) bool { return strings.Contains(string(response.CacheStatus), "hit") }

// rate searches the highest rate of reads for the shipped proxy before the API's near cache, and for the ten lines
// before the bare handler, in turn, and prints the ratio.
func (o *options) rate(dir string, api, bare versus.Side) error {
	shipped := rung{"as shipped, before the API's near cache", reverseproxy.Config}
	ours, process, err := startProxy(dir, shipped, api.Target.Addr, "off")
	if err != nil {
		return err
	}
	defer process.Kill()
	tens, other, err := startProxy(dir, rung{"ten lines, before a bare handler", tenLines}, bare.Target.Addr, "off")
	if err != nil {
		return err
	}
	defer other.Kill()
	for _, side := range []versus.Side{ours, tens} {
		if _, _, err := o.Once(side); err != nil {
			return err
		}
	}
	ourRates, tenRates, err := pairs.Interleave(o.Pairs, o.highest(ours), o.highest(tens))
	if err != nil {
		return err
	}
	fmt.Fprintf(o.Out, "\nThe highest rate of reads with p99 under %v, open loop (0.85 is asked for)\n", o.objective)
	for _, side := range []struct {
		name  string
		rates []float64
	}{{ours.Name, ourRates}, {tens.Name, tenRates}} {
		fmt.Fprintf(o.Out, "  %-40s %7.0f reads/s (median)  %.0f\n",
			side.name, pairs.Median(side.rates), side.rates)
	}
	fmt.Fprintf(o.Out, "  ratio %v\n", pairs.Of(ourRates, tenRates))
	return nil
}

// highest returns what searches the highest rate of a side, from near the one that it found before.
func (o *options) highest(side versus.Side) func() (float64, error) {
	near := 0.0
	return func() (float64, error) {
		held, err := load.Highest(near, finest, func(rate float64) (bool, error) {
			result, latencies, err := load.Open(side.Target, o.Conns, rate, o.Each)
			if err == nil && result.Bad > 0 {
				err = fmt.Errorf("%s: %d of %d answers were bad", side.Name, result.Bad, result.Bad+result.Good)
			}
			return err == nil && latencies.At(.99) < o.objective, err
		})
		if err == nil && held == 0 {
			err = fmt.Errorf("%s: no rate holds a p99 under %v: give a longer -objective", side.Name, o.objective)
		}
		near = held
		return held, err
	}
}
