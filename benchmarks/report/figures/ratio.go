package figures

import (
	"math"
	"slices"
)

// Ratio is how many times a stage's figure is another stage's, by the rounds of a run: within a round the two were
// measured minutes apart, so that what drifts on the machine touches both alike.
type Ratio struct {
	// Times is the geometric mean of the rounds' ratios.
	Times float64
	// Low and High hold the true one with 95%, by Student's t of the logarithms; equal to Times where one round only
	// has both figures.
	Low, High float64
	// Rounds are the ratios of the rounds, those that lie apart too.
	Rounds []float64
	// Zeros is how many rounds are left out, since one of their two figures is zero.
	Zeros int
}

// leastSpread is the least standard deviation that the logarithms of ratios are believed to have: a few rounds may
// agree by luck.
const leastSpread = leastDeviation * math.Sqrt2

// RatioOf returns how many times b is a, and whether a round has both figures, above zero.
func RatioOf(a, b Figure) (r Ratio, ok bool) {
	var logs []float64
	for i, round := range b.Numbers() {
		j := slices.Index(a.Numbers(), round)
		if j < 0 {
			continue
		}
		if a.Values[j] <= 0 || b.Values[i] <= 0 {
			r.Zeros++
			continue
		}
		r.Rounds = append(r.Rounds, b.Values[i]/a.Values[j])
		logs = append(logs, math.Log(b.Values[i]/a.Values[j]))
	}
	if len(logs) == 0 {
		return r, false
	}
	mean, deviation := spread(logs)
	half := 0.0
	if n := len(logs); n > 1 {
		half = student95(n-1) * max(deviation, leastSpread) / math.Sqrt(float64(n))
	}
	r.Times, r.Low, r.High = math.Exp(mean), math.Exp(mean-half), math.Exp(mean+half)
	return r, true
}

// Inverse returns how many times a is b.
func (r Ratio) Inverse() Ratio {
	inverse := Ratio{Times: 1 / r.Times, Low: 1 / r.High, High: 1 / r.Low, Zeros: r.Zeros}
	for _, round := range r.Rounds {
		inverse.Rounds = append(inverse.Rounds, 1/round)
	}
	return inverse
}

// Within reports whether the interval reaches no farther than a part of Times to each side: .1 for 10%. That of a
// single round is not known.
func (r Ratio) Within(part float64) bool {
	return len(r.Rounds) > 1 && r.High <= r.Times*(1+part) && r.Low >= r.Times*(1-part)
}

// Certain reports whether the interval leaves no doubt which of the two is greater.
func (r Ratio) Certain() bool { return len(r.Rounds) > 1 && (r.Low > 1 || r.High < 1) }

// student95 returns the two-sided 95% quantile of Student's distribution for degrees of freedom from one; between those
// in the table it returns the one of the fewer.
func student95(freedom int) float64 {
	table := []float64{12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228}
	switch {
	case freedom <= len(table):
		return table[freedom-1]
	case freedom < 20:
		return 2.201
	}
	return 2.086
}
