// Package capacity computes how much of each component a load needs, from what requests were measured to cost:
// processor time is what a shop without simulated delays runs out of first.
package capacity

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/woodytoys/woodytoys/benchmarks/report/figures"
)

// Load is what is asked of the shop.
type Load struct {
	// Rate is requests a second.
	Rate float64
	// Reads is the part of them that only read, from 0 to 1; the others write.
	Reads float64
	// Utilisation is how much of a core's time is planned to be used, above 0 and up to 1: what is left is for bursts,
	// for latency, and for the loss of a machine.
	Utilisation float64
	// Cores is how many cores a machine has.
	Cores int
}

// Check returns what is wrong with a load.
func (l Load) Check() error {
	switch {
	case !(l.Rate > 0):
		return fmt.Errorf("the rate must be above 0 requests a second, not %v", l.Rate)
	case !(l.Reads >= 0 && l.Reads <= 1):
		return fmt.Errorf("the part of reads must be from 0 to 1, not %v", l.Reads)
	case !(l.Utilisation > 0 && l.Utilisation <= 1):
		return fmt.Errorf("the utilisation must be above 0 and up to 1, not %v", l.Utilisation)
	case l.Cores < 1:
		return fmt.Errorf("a machine must have a core, not %d", l.Cores)
	}
	return nil
}

// Cost is what a request costs a component, in seconds of processor time, and what the component holds in memory.
type Cost struct {
	Name        string
	Read, Write float64
	// MemoryMB is what one process of it held while it was measured.
	MemoryMB float64
}

// single are the components that more machines do not make faster: one process has all of the data. More of the
// database's nodes share reads, but each carries out all writes.
var single = []string{"redis", "database", "database2", "database3"}

// usable returns how many of a machine's cores it can use: Redis carries out one command at a time.
func (c Cost) usable(cores int) float64 {
	if c.Name == "redis" {
		return 1
	}
	return float64(cores)
}

// Shares reports whether more machines take a part of the work each.
func (c Cost) Shares() bool { return !slices.Contains(single, c.Name) }

// mixReads is the part of the measured mix that are reads.
const mixReads = .8

// CostsOf returns what requests cost each component of a stage, in the order in which a request meets them: reads from
// the highest rate that held the objective, where the processors were busy (see Busy), writes from what the sustained
// mix cost more than its reads. What did not work for either is left out. It fails where the run did not measure the
// two.
func CostsOf(r *figures.Results, stage string) (costs []Cost, err error) {
	reads := readsOf(r, stage)
	for _, f := range r.Figures {
		name, ok := figures.CPUGroup.Has(f.Name)
		if !ok || f.Stage != stage {
			continue
		}
		read, ok := r.Mean(stage, reads.Of(name))
		if !ok {
			return nil, fmt.Errorf("the run has no processor time of reads for %s in %s: it is of an older build, or "+
				"ended before", name, stage)
		}
		c := costOf(name, read, f.Mean)
		memory, _ := r.Mean(stage, figures.MemoryGroup.Of(name))
		c.MemoryMB = memory / float64(processes(r, stage, name))
		if c.Read > 0 || c.Write > 0 {
			costs = append(costs, c)
		}
	}
	if len(costs) == 0 {
		return nil, fmt.Errorf("the run has no processor times for the stage %q: it did not measure it, or elsewhere",
			stage)
	}
	slices.SortStableFunc(costs, func(a, b Cost) int { return cmp.Compare(place(a.Name), place(b.Name)) })
	return costs, nil
}

// costOf returns a cost from the seconds that 1,000 reads took, and 1,000 requests of the mix.
func costOf(name string, reads, mix float64) Cost {
	return Cost{Name: name, Read: reads / 1000, Write: max(0, (mix-mixReads*reads)/(1-mixReads)/1000)}
}

// NotBusy is what a reader should know of costs that are not Busy.
const NotBusy = "The run has no processor time of reads at their highest rate. Those here are of a lower one, where " +
	"a read takes more: what a read needs is overestimated, and what a write needs is underestimated."

// Busy reports whether the reads' costs of a stage were taken where the processors were busy. Where the highest rate
// was not searched, or by an older build, they are of a fixed rate, and the lower that was, the more a read took: where
// there are few at a time, processors go to sleep and wake up for each.
func Busy(r *figures.Results, stage string) bool { return readsOf(r, stage) == figures.BusyReadsGroup }

func readsOf(r *figures.Results, stage string) figures.Group {
	if _, ok := r.Mean(stage, figures.BusyReadsGroup.Of("api")); ok {
		return figures.BusyReadsGroup
	}
	return figures.ReadCPUGroup
}

// processes returns how many processes a component had.
func processes(r *figures.Results, stage, name string) int {
	for _, s := range r.Run.Stages {
		if s.Name == stage && name == "api" {
			return max(s.Replicas, 1)
		}
	}
	return 1
}

// place returns where a request meets a component.
func place(name string) int {
	return slices.Index([]string{"proxy", "edge", "front", "api", "redis", "database-proxy", "database",
		"database2", "database3"}, name)
}

// Need is what a load needs of a component.
type Need struct {
	Cost
	// Cores is how many cores it keeps busy at the planned utilisation.
	Cores float64
	// Machines is how many machines have these cores: with one to spare where they share the work, else the one that
	// there is, or zero where a single machine of so many cores is not enough.
	Machines int
	// MemoryMB is what the processes on these machines hold together, one on each.
	MemoryMB float64
	// Most is the rate at which a single machine, or what cannot be shared, is at the planned utilisation.
	Most float64
}

// Plan is what a load needs.
type Plan struct {
	Load
	Needs []Need
	// Limit is the component that more machines do not help and that is full first; nil without one.
	Limit *Need
}

// PlanFor returns what a load needs.
func PlanFor(costs []Cost, l Load) (p Plan) {
	p.Load = l
	for _, c := range costs {
		seconds := l.Reads*c.Read + (1-l.Reads)*c.Write // mean processor time of a request
		n := Need{Cost: c, Cores: l.Rate * seconds / l.Utilisation, Most: math.Inf(1)}
		if seconds > 0 {
			n.Most = c.usable(l.Cores) * l.Utilisation / seconds
		}
		switch machines := int(math.Ceil(n.Cores / c.usable(l.Cores))); {
		case c.Shares():
			n.Machines = max(machines, 1) + 1
		case machines <= 1:
			n.Machines = 1
		}
		n.MemoryMB = c.MemoryMB * float64(max(n.Machines, 1))
		p.Needs = append(p.Needs, n)
	}
	for i := range p.Needs {
		if n := &p.Needs[i]; !n.Shares() && (p.Limit == nil || n.Most < p.Limit.Most) {
			p.Limit = n
		}
	}
	return p
}

// Highest returns the rate that components with so many cores carry, each by its name, when the first of them is busy
// all the time; those that are not named have as many as they want. It returns which that is.
func Highest(costs []Cost, reads float64, cores map[string]float64) (rate float64, full string) {
	rate = math.Inf(1)
	for _, c := range costs {
		seconds := reads*c.Read + (1-reads)*c.Write
		if has, ok := cores[c.Name]; ok && seconds > 0 && has/seconds < rate {
			rate, full = has/seconds, c.Name
		}
	}
	return rate, full
}
