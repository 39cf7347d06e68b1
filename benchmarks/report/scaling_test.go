package report_test

import (
	"bytes"
	"testing"

	"github.com/woodytoys/woodytoys/benchmarks/report"
	"github.com/woodytoys/woodytoys/benchmarks/report/figures"
	"github.com/woodytoys/woodytoys/benchmarks/report/raw"
)

// slice is what replicas in slices of a tenth of a core were measured to read.
type slice struct {
	replicas            int
	rate, used, machine float64
}

// sliced returns results of a stage whose reads cost the API 50 us where there were no slices, and all components and
// who makes the load together 100.
func sliced(slices ...slice) *figures.Results {
	r := &figures.Results{Run: raw.Run{SliceCores: .1, Machine: raw.Machine{CPUs: 2},
		Stages: []raw.Stage{{Name: "redis", Replicas: 3}}}}
	add := func(name figures.Key, mean float64) {
		r.Figures = append(r.Figures, figures.Figure{Stage: "redis", Name: name, Mean: mean, Values: []float64{mean}})
	}
	for _, group := range []figures.Group{figures.CPUGroup, figures.BusyReadsGroup} {
		add(group.Of("api"), .050)
		add(group.Of("proxy"), .030)
	}
	add(figures.ReadCPUGroup.Of("api"), .200)
	add(figures.BusyReadsGroup.Of(figures.GeneratorName), .020)
	for _, s := range slices {
		key := figures.Sliced("reads", s.replicas)
		add(key.Rate(), s.rate)
		add(key.Used(), s.used)
		add(key.Machine(), s.machine)
	}
	return r
}

// TestScaling checks what the chapter says of curves against what was measured.
func TestScaling(t *testing.T) {
	for _, c := range []struct {
		why    string
		slices []slice
		want   []string
	}{
		{"a straight curve", []slice{{1, 2000, 100, 20}, {2, 4000, 100, 40}, {6, 11000, 100, 80}},
			[]string{"reads, redis: straight up to 6 replicas, the most that were measured."}},
		{"more than its slice is not counted", []slice{{1, 2200, 110, 20}, {3, 6000, 100, 40}},
			[]string{"straight up to 3 replicas", "<td>2,200/s</td><td>1.00</td><td>110 %</td><td>2,000/s</td>",
				"<td>2.73</td><td>100 %</td><td>6,000/s</td><td>3.00</td><td>6,000/s</td><td>1.00</td>"}},
		{"requests that cost more", []slice{{1, 2000, 100, 20}, {2, 3900, 100, 40}, {3, 4000, 100, 50}},
			[]string{"straight up to 2 replicas; with 3 it bends, since a request takes 75.0 us of the API&#39;s " +
				"processor time, and with one replica 50.0 us.", "<td>0.667</td><td>the slices</td>"}},
		{"a machine that is full", []slice{{1, 2000, 100, 20}, {30, 20000, 34, 99}},
			[]string{"straight up to 1 replica; with 30 it bends, where what is full is the machine.",
				"<td>20,000/s</td><td>1.00</td><td>the machine</td>"}},
		{"too small a load", []slice{{1, 2000, 100, 20}, {2, 2000, 50, 30}},
			[]string{"what is full is nothing: too few ask at once."}},
	} {
		t.Run(c.why, func(t *testing.T) {
			page, err := report.HTML(sliced(c.slices...))
			if err != nil {
				t.Fatal(err)
			}
			_, chapter, _ := bytes.Cut(page, []byte(`id="scaling"`))
			for _, want := range c.want {
				if !bytes.Contains(chapter, []byte(want)) {
					t.Errorf("it does not say %q:\n%s", want, chapter)
				}
			}
		})
	}
}
