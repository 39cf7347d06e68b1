package capacity_test

import (
	"math"
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/benchmarks/report/capacity"
	"github.com/woodytoys/woodytoys/benchmarks/report/figures"
	"github.com/woodytoys/woodytoys/benchmarks/report/raw"
)

// results returns those of a stage whose reads cost the proxy 50 us and the API 20, and whose writes cost them 50 and
// 120 and the database 200.
func results() *figures.Results {
	figure := func(key figures.Key, mean float64) figures.Figure {
		return figures.Figure{Stage: "redis", Name: key, Mean: mean}
	}
	run := raw.Run{Stages: []raw.Stage{{Name: "redis", Replicas: 3}}}
	return &figures.Results{Run: run, Figures: []figures.Figure{
		figure(figures.CPUGroup.Of("database"), .040), figure(figures.CPUGroup.Of("api"), .040),
		figure(figures.CPUGroup.Of("proxy"), .050),
		figure(figures.ReadCPUGroup.Of("database"), 0), figure(figures.ReadCPUGroup.Of("api"), .020),
		figure(figures.ReadCPUGroup.Of("proxy"), .050),
		figure(figures.MemoryGroup.Of("database"), 180), figure(figures.MemoryGroup.Of("api"), 120),
		figure(figures.CPUGroup.Of("front"), 0), figure(figures.ReadCPUGroup.Of("front"), 0),
	}}
}

func TestAPlan(t *testing.T) {
	costs, err := capacity.CostsOf(results(), "redis")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range costs {
		names = append(names, c.Name)
	}
	if got := strings.Join(names, " "); got != "proxy api database" {
		t.Errorf("the components are %s, want those that did something, as a request meets them", got)
	}
	p := capacity.PlanFor(costs, capacity.Load{Rate: 28000, Reads: .8, Utilisation: .5, Cores: 2})
	for name, want := range map[string]struct {
		cores    float64
		machines int
	}{
		"proxy":    {2.8, 3}, // 28,000 times 50 us, twice that at half use: two machines, and one to spare
		"api":      {2.24, 3},
		"database": {2.24, 0}, // more than the one machine that it may have
	} {
		for _, n := range p.Needs {
			if n.Name == name && (math.Abs(n.Cores-want.cores) > 1e-9 || n.Machines != want.machines) {
				t.Errorf("%s needs %v cores and %d machines, want %+v", name, n.Cores, n.Machines, want)
			}
		}
	}
	for _, n := range p.Needs {
		if want := map[string]float64{"api": 120, "database": 180}[n.Name]; n.MemoryMB != want {
			t.Errorf("%s needs %v MB, want %v: a process on each machine", n.Name, n.MemoryMB, want)
		}
	}
	if p.Limit == nil || p.Limit.Name != "database" || math.Abs(p.Limit.Most-25000) > 1e-6 {
		t.Errorf("the limit is %+v, want the database at 25,000/s", p.Limit)
	}
	if rate, full := capacity.Highest(costs, .8, map[string]float64{"proxy": 1, "api": .3}); full != "api" ||
		math.Abs(rate-7500) > 1e-6 {
		t.Errorf("with three tenths of a core for the API it is %v, full is %s; want 7,500 and the API", rate, full)
	}
}

// TestReadsAreOfBusyProcessors checks that the cost of reads is taken from the search for the highest rate where there
// was one, at a third of what it is otherwise.
func TestReadsAreOfBusyProcessors(t *testing.T) {
	r := results()
	if capacity.Busy(r, "redis") {
		t.Error("the reads of an older run are said to be of busy processors")
	}
	for name, mean := range map[string]float64{"api": .005, "proxy": .020, "database": 0, "front": 0} {
		r.Figures = append(r.Figures, figures.Figure{Stage: "redis", Name: figures.BusyReadsGroup.Of(name), Mean: mean})
	}
	costs, err := capacity.CostsOf(r, "redis")
	if err != nil || !capacity.Busy(r, "redis") {
		t.Fatal(err)
	}
	for _, c := range costs {
		want := map[string][2]float64{"proxy": {20, 170}, "api": {5, 180}, "database": {0, 200}}[c.Name]
		if math.Abs(1e6*c.Read-want[0]) > 1e-6 || math.Abs(1e6*c.Write-want[1]) > 1e-6 {
			t.Errorf("a read costs the %s %v s and a write %v s, want %v us", c.Name, c.Read, c.Write, want)
		}
	}
}

// TestSliced computes the rate of replicas that have a tenth of a core each, until the machine is full: a request costs
// 130 us in all, and 20 us of whoever makes the load.
func TestSliced(t *testing.T) {
	r := results()
	r.Run.SliceCores, r.Run.Machine.CPUs = .1, 2
	r.Figures = append(r.Figures, figures.Figure{Stage: "redis", Name: figures.Generator, Mean: .020})
	for name, mean := range map[string]float64{"api": .020, "proxy": .050, "database": 0, "front": 0,
		figures.GeneratorName: .020} {
		r.Figures = append(r.Figures, figures.Figure{Stage: "redis", Name: figures.BusyReadsGroup.Of(name), Mean: mean})
	}
	for _, c := range []struct {
		replicas int
		want     float64
		full     string
	}{{1, 2500, "api"}, {5, 12500, "api"}, {6, 2e6 / 150, capacity.Machine}} {
		rate, full, err := capacity.Sliced(r, "redis", .8, c.replicas)
		if err != nil || math.Abs(rate-c.want) > 1e-6 || full != c.full {
			t.Errorf("%d replicas are to carry %v/s, full is the %s, %v; want %v and the %s", c.replicas, rate, full,
				err,
				c.want, c.full)
		}
	}
}

func TestWhatCannotBePlanned(t *testing.T) {
	if _, err := capacity.CostsOf(results(), "cdn"); err == nil {
		t.Error("a stage that was not measured has costs")
	}
	older := results()
	older.Figures = older.Figures[:3]
	if _, err := capacity.CostsOf(older, "redis"); err == nil {
		t.Error("a run that did not measure reads alone has costs of them")
	}
	for _, l := range []capacity.Load{
		{}, {Rate: 1, Reads: 1.2, Utilisation: .5, Cores: 1}, {Rate: 1, Reads: .8, Utilisation: 60, Cores: 1},
		{Rate: 1, Reads: math.NaN(), Utilisation: .5, Cores: 1}, {Rate: 1, Utilisation: .5},
	} {
		if l.Check() == nil {
			t.Errorf("%+v is taken", l)
		}
	}
}
