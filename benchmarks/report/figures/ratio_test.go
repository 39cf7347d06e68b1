package figures_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/woodytoys/woodytoys/benchmarks/report/figures"
)

func mustRatio(t *testing.T, a, b figures.Figure) figures.Ratio {
	t.Helper()
	r, ok := figures.RatioOf(a, b)
	if !ok {
		t.Fatal("no round has both figures")
	}
	return r
}

// TestARatioIsOfRounds checks that ratios are taken within rounds: on a machine that is three times as fast in one
// round as in another the means are of no use.
func TestARatioIsOfRounds(t *testing.T) {
	a := figures.Figure{Values: []float64{100, 300, 200}}
	b := figures.Figure{Values: []float64{240, 750, 470}}
	r := mustRatio(t, a, b)
	if math.Abs(r.Times-2.416) > .01 || !r.Certain() || !r.Within(.1) {
		t.Errorf("the ratio is %+v, want 2.42 within a tenth", r)
	}
	if i := r.Inverse(); math.Abs(i.Times*r.Times-1) > 1e-9 || i.Low > i.Times || i.High < i.Times || !i.Certain() {
		t.Errorf("the inverse is %+v of %+v", i, r)
	}
}

// TestRoundsAreMatched leaves a stage's second round out.
func TestRoundsAreMatched(t *testing.T) {
	a := figures.Figure{Values: []float64{100, 1000, 200}, Rounds: []int{1, 2, 3}}
	b := figures.Figure{Values: []float64{200, 400}, Rounds: []int{1, 3}}
	if r := mustRatio(t, a, b); len(r.Rounds) != 2 || math.Abs(r.Times-2) > 1e-9 {
		t.Errorf("the ratio is %+v, want 2 of 2 rounds", r)
	}
	if _, ok := figures.RatioOf(a, figures.Figure{Values: []float64{1}, Rounds: []int{7}}); ok {
		t.Error("there is a ratio of figures that no round has both of")
	}
	if r := mustRatio(t, a, figures.Figure{Values: []float64{300}}); r.Certain() || r.Within(1) || r.Low != r.Times {
		t.Errorf("of one round it says %+v, as if it knew how far that is off", r)
	}
}

// TestARoundWithAZeroIsCounted checks that a ratio leaves out a round in which a side is zero, and counts it.
func TestARoundWithAZeroIsCounted(t *testing.T) {
	r := mustRatio(t, figures.Figure{Values: []float64{100, 100, 100}}, figures.Figure{Values: []float64{200, 0, 200}})
	if len(r.Rounds) != 2 || r.Zeros != 1 || r.Inverse().Zeros != 1 {
		t.Errorf("the ratio is %+v, want two rounds and one left out", r)
	}
}

// TestTheIntervalHoldsTheTruth measures a ratio of 1.3 again and again, with a spread of a tenth on each side.
func TestTheIntervalHoldsTheTruth(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, rounds := range []int{3, 6, 12} {
		held := 0
		const times = 2000
		for range times {
			var a, b figures.Figure
			for range rounds {
				drift := math.Exp(random.NormFloat64()) // which both have
				a.Values = append(a.Values, drift*math.Exp(.1*random.NormFloat64()))
				b.Values = append(b.Values, 1.3*drift*math.Exp(.1*random.NormFloat64()))
			}
			if r := mustRatio(t, a, b); r.Low <= 1.3 && r.High >= 1.3 {
				held++
			}
		}
		if part := float64(held) / times; part < .935 || part > .97 {
			t.Errorf("with %d rounds %.1f%% of the intervals hold the ratio, want 95%%", rounds, 100*part)
		}
	}
}
