// Package versus measures two servers side by side on one machine: in turn, and looking at the
// ratio within each pair, so that what drifts on the machine touches both alike.
package versus

import (
	"fmt"
	"io"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/load"
	"github.com/woodytoys/woodytoys/benchmarks/instruments/machine"
	"github.com/woodytoys/woodytoys/benchmarks/pairs"
)

// Bench is how a comparison is measured.
type Bench struct {
	// Pairs is how many interleaved pairs, at least six.
	Pairs int
	// Each is how long each side of a pair is loaded.
	Each time.Duration
	// Conns is how many connections keep a side busy.
	Conns int
	// Out gets the figures.
	Out io.Writer
}

// Side is one of the two servers that are compared: a process that is ready.
type Side struct {
	Name   string
	PID    int
	Target load.Target
}

// Asking returns the same server under another name, asked for other paths.
func (s Side) Asking(name string, paths ...string) Side {
	s.Name, s.Target.Paths = name, paths
	return s
}

// Figures are the medians of one side.
type Figures struct {
	PerSecond      float64
	CPUPerResponse time.Duration
}

// Compare warms both sides up, measures them in turn and prints the ratio of their throughputs and
// of their processor time for a response. A bad response ends it with an error.
func (b Bench) Compare(title string, one, other Side) (Figures, Figures, error) {
	sides := [2]Side{one, other}
	var cpus [2][]float64
	measure := func(i int) func() (float64, error) {
		return func() (float64, error) {
			perSecond, cpu, err := b.Once(sides[i])
			cpus[i] = append(cpus[i], cpu)
			return perSecond, err
		}
	}
	for _, side := range sides {
		if _, _, err := b.Once(side); err != nil {
			return Figures{}, Figures{}, err
		}
	}
	ones, others, err := pairs.Interleave(b.Pairs, measure(0), measure(1))
	if err != nil {
		return Figures{}, Figures{}, err
	}
	fmt.Fprintf(b.Out, "\n%s\n", title)
	first, second := b.figures(one, ones, cpus[0]), b.figures(other, others, cpus[1])
	fmt.Fprintf(b.Out, "  ratio of answers/s            %v\n  ratio of processor time       %v\n",
		pairs.Of(ones, others), pairs.Of(cpus[0], cpus[1]))
	return first, second, nil
}

// Once loads a side and returns its throughput and its processor time for a response, in
// microseconds. A bad answer is an error.
func (b Bench) Once(side Side) (perSecond, cpu float64, err error) {
	before, err := machine.CPU(side.PID)
	if err != nil {
		return 0, 0, err
	}
	result, err := load.Closed(side.Target, b.Conns, b.Each)
	if err != nil {
		return 0, 0, err
	}
	if result.Bad > 0 {
		return 0, 0, fmt.Errorf("%s: %d of %d answers were bad", side.Name, result.Bad, result.Bad+result.Good)
	}
	after, err := machine.CPU(side.PID)
	return result.PerSecond(), float64((after - before).Microseconds()) / float64(result.Good), err
}

func (b Bench) figures(side Side, rates, cpus []float64) Figures {
	f := Figures{pairs.Median(rates), time.Duration(pairs.Median(cpus) * float64(time.Microsecond))}
	fmt.Fprintf(b.Out, "  %-28s %9.0f answers/s  %6.1f us processor time each (medians)\n",
		side.Name, f.PerSecond, pairs.Median(cpus))
	return f
}
