package main

import (
	"fmt"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/load"
	"github.com/woodytoys/woodytoys/benchmarks/instruments/machine"
	"github.com/woodytoys/woodytoys/benchmarks/pairs"
)

// side is one of the two that are compared: a replica, and what it needs.
type side struct {
	name  string
	addr  string
	parts []part
}

// part is a component, and the process that it, with the children of that, is.
type part struct {
	name string
	pid  int
}

// round is what a side did once. CPU is the processor time of each of its parts for a response, in microseconds.
type round struct {
	perSecond float64
	cpu       []float64
}

// once loads a side. A bad answer is an error.
func (s side) once(what asked, d time.Duration) (r round, err error) {
	before, err := s.used()
	if err != nil {
		return r, err
	}
	result, err := load.Closed(load.Target{Addr: s.addr, Paths: what.paths}, what.conns, d)
	if err != nil {
		return r, fmt.Errorf("%s: %w", s.name, err)
	}
	if result.Bad > 0 {
		return r, fmt.Errorf("%s: %d of %d answers were bad", s.name, result.Bad, result.Bad+result.Good)
	}
	r.perSecond = result.PerSecond()
	used, err := s.used()
	if err != nil {
		return r, err
	}
	for i, after := range used {
		r.cpu = append(r.cpu, float64((after-before[i]).Microseconds())/float64(result.Good))
	}
	return r, nil
}

// used returns the processor time that each part has used until now.
func (s side) used() (all []time.Duration, err error) {
	for _, p := range s.parts {
		cpu, _, err := machine.Tree(p.pid)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
		all = append(all, cpu)
	}
	return all, nil
}

// together returns the processor time of all parts for a response, by round.
func together(rounds []round) (sums []float64) {
	for _, r := range rounds {
		var sum float64
		for _, cpu := range r.cpu {
			sum += cpu
		}
		sums = append(sums, sum)
	}
	return sums
}

// costs is the median processor time of each component for a response, in microseconds, by its name.
type costs map[string]float64

func costsOf(s side, rounds []round) costs {
	all := costs{}
	for i, p := range s.parts {
		var of []float64
		for _, r := range rounds {
			of = append(of, r.cpu[i])
		}
		all[p.name] = pairs.Median(of)
	}
	return all
}

func (c costs) words(name string) string {
	cost, ok := c[name]
	if !ok {
		return "-"
	}
	return fmt.Sprintf("%.0f us", cost)
}

func (c costs) sum() (sum float64) {
	for _, cost := range c {
		sum += cost
	}
	return sum
}
