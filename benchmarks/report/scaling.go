package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/woodytoys/woodytoys/benchmarks/report/capacity"
	"github.com/woodytoys/woodytoys/benchmarks/report/figures"
)

const (
	// full is how much of its processor time is used by what limits a rate, in percent.
	full = 90
	// straight is how much of so many times one replica's rate so many carry while the curve is called straight.
	straight = .9
)

// slicedReads is the part of each load in slices that are reads.
var slicedReads = map[string]float64{"reads": 1, "mix": .8}

// scalingView is what more replicas bring, each in a slice of processor time of its own.
type scalingView struct {
	Plots  []plot
	Table  table
	Legend []key
	// Says is a sentence for each curve.
	Says []string
}

func (b *builder) scaling() (v scalingView) {
	v.Table.Head = []string{"", "replicas", "answers/s", "of one", "slices used", "answers/s of the slices",
		"of one", "predicted", "measured over that", "full"}
	stages := b.having(figures.SlicedGroup)
	for _, what := range []string{"reads", "mix"} {
		var series []line
		var counts []float64
		for _, stage := range stages {
			s := line{name: stage, class: "s-" + stage}
			points := b.sliced(stage, what)
			for _, p := range points {
				s.x, s.y = append(s.x, float64(p.replicas)), append(s.y, p.rate)
				s.words = append(s.words, fmt.Sprintf("%s, %s: %s/s", stage, plural(p.replicas, "replica"),
					figures.Round(p.rate)))
				v.Table.add(append([]string{what + ", " + stage}, p.cells(points[0])...)...)
			}
			if len(points) > 0 {
				series = append(series, s)
				counts = s.x
				v.Says = append(v.Says, what+", "+stage+": "+curveWords(points)+".")
			}
		}
		if len(series) > 0 {
			title := map[string]string{"reads": "Reads", "mix": "80% reads, 20% writes"}[what]
			v.Plots = append(v.Plots, plot{title, lines(title+" by stage and by how many replicas there are, each in "+
				"a slice", "answers/s", "replicas", counts, series)})
		}
	}
	v.Legend = legend(stages)
	return v
}

// slicedPoint is what so many replicas carried.
type slicedPoint struct {
	replicas int
	rate     float64
	errors   string // in words
	// used and machine are how much of the slices was used, and of the machine, in percent; zero where that is not
	// known.
	used, machine float64
	// cost is the seconds of processor time that the API took for a request, and redis the cores that Redis kept busy.
	cost, redis float64
	// predicted is the rate that the capacity model expects; zero for none.
	predicted float64
}

// sliced returns what a stage was measured to carry, in the order in which it was measured.
func (b *builder) sliced(stage, what string) (points []slicedPoint) {
	for _, f := range b.r.Figures {
		rest, ok := figures.SlicedGroup.Has(f.Name)
		if !ok || f.Stage != stage || !strings.HasPrefix(rest, what+"/") || !strings.HasSuffix(rest, "/rate") {
			continue
		}
		n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(rest, what+"/"), "/rate"))
		if err != nil {
			continue
		}
		key := figures.Sliced(what, n)
		p := slicedPoint{replicas: n, rate: f.Mean, errors: b.errors(stage, key.Errors())}
		p.used, _ = b.r.Mean(stage, key.Used())
		p.machine, _ = b.r.Mean(stage, key.Machine())
		if f.Mean > 0 {
			p.cost = p.used / 100 * float64(n) * b.r.Run.SliceCores / f.Mean
		}
		redis, _ := b.r.Mean(stage, key.CPU("redis"))
		p.redis = redis / 1000 * f.Mean
		if rate, _, err := capacity.Sliced(b.r, stage, slicedReads[what], n); err == nil {
			p.predicted = rate
		}
		points = append(points, p)
	}
	return points
}

// limited reports whether the slices are what limits the rate.
func (p slicedPoint) limited() bool { return p.used >= full }

// ofSlices returns the rate for the processor time that the slices are, neither more nor less, where they are what
// limits it, and else the rate: the kernel lets a group overrun its part, and takes that back later, perhaps after the
// end.
func (p slicedPoint) ofSlices() float64 {
	if p.limited() {
		return p.rate * 100 / p.used
	}
	return p.rate
}

// full returns what has no processor time left, in words.
func (p slicedPoint) full() string {
	switch {
	case p.limited() && p.machine >= full:
		return "the slices, and the machine"
	case p.limited():
		return "the slices"
	case p.machine >= full:
		return "the machine"
	case p.redis >= full/100.:
		return "Redis, which has one core"
	case p.machine == 0:
		return none
	}
	return "nothing: too few ask at once"
}

// cells returns a line of the table, without its name, beside what one replica carries.
func (p slicedPoint) cells(one slicedPoint) []string {
	plain, ofSlices, predicted, over := none, none, none, none
	if one.replicas == 1 && one.rate > 0 {
		plain, ofSlices = figures.Round(p.rate/one.rate), figures.Round(p.ofSlices()/one.ofSlices())
	}
	if p.predicted > 0 {
		predicted, over = figures.Round(p.predicted)+"/s", figures.Round(p.ofSlices()/p.predicted)
	}
	return []string{strconv.Itoa(p.replicas), figures.Round(p.rate) + "/s" + p.errors, plain,
		figures.Round(p.used) + " %", figures.Round(p.ofSlices()) + "/s", ofSlices, predicted, over, p.full()}
}

// curveWords returns how far a curve is straight, and what bends it there.
func curveWords(points []slicedPoint) string {
	one, last := points[0], points[0]
	if one.replicas != 1 {
		return "one replica was not measured"
	}
	for _, p := range points[1:] {
		if p.ofSlices() < straight*float64(p.replicas)*one.ofSlices() {
			return fmt.Sprintf("straight up to %s; with %d it bends, %s", plural(last.replicas, "replica"), p.replicas,
				p.bends(one))
		}
		last = p
	}
	return fmt.Sprintf("straight up to %s, the most that were measured", plural(last.replicas, "replica"))
}

// bends returns why so many replicas carry less than so many times one.
func (p slicedPoint) bends(one slicedPoint) string {
	if !p.limited() {
		return "where what is full is " + p.full()
	}
	why := fmt.Sprintf("since a request takes %s us of the API's processor time, and with one replica %s us",
		figures.Round(1e6*p.cost), figures.Round(1e6*one.cost))
	if p.machine >= full {
		why += "; the machine is full too"
	}
	return why
}
