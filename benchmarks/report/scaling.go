package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/woodytoys/woodytoys/benchmarks/report/capacity"
	"github.com/woodytoys/woodytoys/benchmarks/report/figures"
)

// slicesFull is how much of their slices replicas use that are what limits a rate, in percent.
const slicesFull = 90

// scaling returns what more replicas bring, each in a slice of processor time of its own.
func (b *builder) scaling() (plots []plot, t table, legends []key) {
	t.Head = []string{"", "replicas", "answers/s", "of one", "of their slices used", "predicted", "measured over that"}
	stages := b.having(figures.SlicedGroup)
	for _, what := range []string{"reads", "mix"} {
		var series []line
		var counts []float64
		for _, stage := range stages {
			s := line{name: stage, class: "s-" + stage}
			for _, n := range b.slices(stage, what) {
				f, _ := b.r.Get(stage, figures.Sliced(what, n).Rate())
				s.x, s.y = append(s.x, float64(n)), append(s.y, f.Mean)
				s.words = append(s.words, fmt.Sprintf("%s, %s: %s", stage, plural(n, "replica"), value(f)))
				t.add(b.slicedCells(stage, what, n, f)...)
			}
			if len(s.x) > 0 {
				series = append(series, s)
				counts = s.x
			}
		}
		if len(series) > 0 {
			title := map[string]string{"reads": "Reads", "mix": "80% reads, 20% writes"}[what]
			plots = append(plots, plot{title, lines(title+" by stage and by how many replicas there are, each in a "+
				"slice", "answers/s", "replicas", counts, series)})
		}
	}
	return plots, t, legend(stages)
}

// slices returns the numbers of replicas that a stage was measured with.
func (b *builder) slices(stage, what string) (numbers []int) {
	for _, f := range b.r.Figures {
		rest, ok := figures.SlicedGroup.Has(f.Name)
		if !ok || f.Stage != stage || !strings.HasPrefix(rest, what+"/") || !strings.HasSuffix(rest, "/rate") {
			continue
		}
		if n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(rest, what+"/"), "/rate")); err == nil {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// slicedCells returns a line of the table: beside what was measured what the capacity model predicts, from what
// requests cost the API where it had no slices.
func (b *builder) slicedCells(stage, what string, n int, f figures.Figure) []string {
	key := figures.Sliced(what, n)
	of := none
	if one, ok := b.r.Mean(stage, figures.Sliced(what, 1).Rate()); ok && one > 0 {
		of = figures.Round(f.Mean / one)
	}
	predicted, over := none, none
	used, _ := b.r.Mean(stage, key.Used())
	if costs, err := capacity.CostsOf(b.r, stage); err == nil {
		reads := map[string]float64{"reads": 1, "mix": .8}[what]
		rate, _ := capacity.Highest(costs, reads, map[string]float64{"api": float64(n) * b.r.Run.SliceCores})
		predicted, over = figures.Round(rate)+"/s", figures.Round(f.Mean/rate)
		if used < slicesFull {
			over += " (something else is full)"
		}
	}
	return []string{what + ", " + stage, strconv.Itoa(n), value(f), of, figures.Round(used) + " %", predicted, over}
}
