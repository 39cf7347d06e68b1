package main

import (
	"fmt"
	"math/rand/v2"

	"github.com/woodytoys/woodytoys/benchmarks/pairs"
	"github.com/woodytoys/woodytoys/benchmarks/pairs/versus"
	reverseproxy "github.com/woodytoys/woodytoys/reverse-proxy"
)

// cost measures what each rung of the ladder takes for a read, in microseconds of processor time, each time in a pair
// with the ten lines.
func (o *options) cost(dir, api string) error {
	rungs := ladder(reverseproxy.Config)
	sides := make([]versus.Side, 0, len(rungs)+1)
	for i := range len(rungs) + 1 {
		r, accessLog := rungs[min(i, len(rungs)-1)], "off"
		if i == len(rungs) {
			r.name, accessLog = "+ a line in the log for each request", "on"
		}
		side, process, err := startProxy(dir, r, api, accessLog)
		if err != nil {
			return err
		}
		defer process.Kill()
		sides = append(sides, side)
	}
	own, tens, err := o.inPairs(sides)
	if err != nil {
		return err
	}
	fmt.Fprintln(o.Out, "\nHAProxy's processor time for a read (medians), and how many times that of the ten lines")
	fmt.Fprintln(o.Out, "(1.1 as shipped is asked for, or 1.2); each row has a paragraph of haproxy.cfg more")
	fmt.Fprintf(o.Out, "  %-64s %6.1f us\n", sides[0].Name, pairs.Median(tens[len(sides)-2]))
	for i, side := range sides[1:] {
		fmt.Fprintf(o.Out, "  %-64s %6.1f us  %v\n", side.Name, pairs.Median(own[i]), pairs.Of(own[i], tens[i]))
	}
	return nil
}

// inPairs loads each side but the first in turn with the first, in an order of its own in each round.
func (o *options) inPairs(sides []versus.Side) (own, first [][]float64, err error) {
	for _, side := range sides {
		if _, _, err := o.Once(side); err != nil {
			return nil, nil, err
		}
	}
	own, first = make([][]float64, len(sides)-1), make([][]float64, len(sides)-1)
	for round := range o.Pairs {
		for _, i := range rand.Perm(len(own)) {
			one, two := pair{sides[i+1], &own[i]}, pair{sides[0], &first[i]}
			if (round+i)%2 == 1 {
				one, two = two, one
			}
			for _, p := range []pair{one, two} {
				_, cpu, err := o.Once(p.side)
				if err != nil {
					return nil, nil, err
				}
				*p.to = append(*p.to, cpu)
			}
		}
	}
	return own, first, nil
}

// pair is one side of a pair, and where its measurement goes.
type pair struct {
	side versus.Side
	to   *[]float64
}
