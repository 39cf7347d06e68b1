package runner

import (
	"testing"

	"github.com/woodytoys/woodytoys/benchmarks/report/figures"
	"github.com/woodytoys/woodytoys/benchmarks/report/raw"
)

// mixes returns rounds of the sustained mix in two stages, with so many good answers in a second.
func mixes(rounds ...[2]int) (about raw.Run, made []raw.Measurement) {
	about.Stages = []raw.Stage{{Name: "baseline"}, {Name: "redis"}}
	for i, round := range rounds {
		for j, answers := range round {
			made = append(made, raw.Measurement{
				Name: "sustained", Stage: about.Stages[j].Name, Repeat: i + 1, Conns: 500, TookUs: 1e6,
				Samples: make([]raw.Sample, answers), Oracle: raw.Oracle{Checked: 1},
			})
		}
	}
	return about, made
}

func TestRoundsAreAddedWhileTheIntervalIsWide(t *testing.T) {
	rate := figures.Sustained(500).Rate()
	for _, c := range []struct {
		why    string
		rounds [][2]int
		want   bool
	}{
		{"one round shows no interval", [][2]int{{100, 200}}, false},
		{"three that differ", [][2]int{{100, 200}, {100, 250}, {100, 210}}, false},
		{"three that agree, on a machine that drifts", [][2]int{{100, 200}, {300, 610}, {50, 101}}, true},
	} {
		about, made := mixes(c.rounds...)
		if got, err := settled(about, made, []figures.Key{rate}); err != nil || got != c.want {
			t.Errorf("%s: settled is %v, %v; want %v", c.why, got, err, c.want)
		}
	}
	about, made := mixes([2]int{100, 200})
	about.Stages = about.Stages[:1]
	if got, err := settled(about, made[:1], []figures.Key{rate}); err != nil || !got {
		t.Errorf("one stage alone is compared with nothing, and it is %v, %v", got, err)
	}
}
