package report

import (
	"fmt"

	"github.com/woodytoys/woodytoys/benchmarks/report/capacity"
	"github.com/woodytoys/woodytoys/benchmarks/report/figures"
	stages "github.com/woodytoys/woodytoys/benchmarks/stage"
)

// visitorCalls is how many calls of the API a visitor is taken to make.
const visitorCalls = 10

// targets are the loads that the published reports aim at.
var targets = []struct {
	what string
	rate float64
}{
	{"28,000 requests a second", 28000},
	{fmt.Sprintf("a million visitors an hour, %d calls each", visitorCalls), 1e6 * visitorCalls / 3600},
}

// capacity returns what the targets would need, from the last stage whose API was measured; nothing where the run
// cannot say.
func (b *builder) capacity() (t table, note string) {
	stage, costs := b.costed()
	if stage == "" {
		return table{}, ""
	}
	t.Head = []string{"", "a read; a write"}
	var plans []capacity.Plan
	for _, target := range targets {
		load := capacity.Load{Rate: target.rate, Reads: .8, Utilisation: .6, Cores: 4}
		plans = append(plans, capacity.PlanFor(costs, load))
		t.Head = append(t.Head, target.what)
	}
	for i, c := range costs {
		cells := []string{c.Name, fmt.Sprintf("%s; %s us", figures.Round(1e6*c.Read), figures.Round(1e6*c.Write))}
		for _, p := range plans {
			cells = append(cells, needWords(p.Needs[i]))
		}
		t.add(cells...)
	}
	note = fmt.Sprintf("From the stage %s.", stage)
	if !capacity.Busy(b.r, stage) {
		note += " " + capacity.NotBusy
	}
	if limit := plans[0].Limit; limit != nil {
		note += fmt.Sprintf(" What more machines do not help, the %s, is used so far at %s requests a second.",
			limit.Name, figures.Round(limit.Most))
	}
	return t, note
}

// costed returns the last stage of the row for which the run has what requests cost.
func (b *builder) costed() (stage string, costs []capacity.Cost) {
	for _, name := range b.stages {
		if stages.Named(name).On != "" {
			continue
		}
		if of, err := capacity.CostsOf(b.r, name); err == nil {
			stage, costs = name, of
		}
	}
	return stage, costs
}

// needWords returns n as text: cores, machines and memory.
func needWords(n capacity.Need) string {
	cores := figures.Round(n.Cores) + " cores, "
	memory := ", " + size(n.MemoryMB*1e6)
	switch {
	case n.Machines == 0:
		return cores + "too much for one machine"
	case n.Shares():
		return cores + fmt.Sprintf("%d + 1 machines", n.Machines-1) + memory
	}
	return cores + "1 machine" + memory
}
