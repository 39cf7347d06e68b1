package report

import (
	"fmt"
	"slices"

	"github.com/woodytoys/woodytoys/benchmarks/report/figures"
)

// rounds returns the headline's figures in each round, none left out.
func (b *builder) rounds() (t table) {
	var named []string
	var all []figures.Figure
	last := 0
	for _, line := range b.headlineFigures() {
		for _, stage := range b.stages {
			if f, ok := b.r.Get(stage, line.key); ok {
				named, all = append(named, line.what+", "+stage), append(all, f)
				last = max(last, slices.Max(f.Numbers()))
			}
		}
	}
	t.Head = []string{""}
	for round := range last {
		t.Head = append(t.Head, fmt.Sprintf("round %d", round+1))
	}
	for i, f := range all {
		t.add(append([]string{named[i]}, byRound(f, last)...)...)
	}
	return t
}

// byRound returns a figure's values in rounds from the first one on.
func byRound(f figures.Figure, last int) []string {
	cells := slices.Repeat([]string{none}, last)
	for i, round := range f.Numbers() {
		one := f
		one.Mean = f.Values[i]
		cells[round-1] = value(one)
	}
	return cells
}
