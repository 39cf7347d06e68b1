// Package pairs compares two things by measuring them in turn, A B B A A B …, and looking at the
// ratio within each pair: what drifts on the machine touches both sides of a pair alike.
package pairs

import (
	"fmt"
	"math"
	"slices"
)

// Ratio is A over B, from as many pairs as were measured.
type Ratio struct {
	Median float64
	// Low and High hold the true median with a probability of at least 95%.
	Low, High float64
	Pairs     int
}

// Of returns the ratio of a[i] to b[i]. It panics when the slices differ in length or hold fewer than
// six pairs, for which there is no such interval.
func Of(a, b []float64) Ratio {
	if len(a) != len(b) || len(a) < 6 {
		panic(fmt.Sprintf("pairs: %d and %d measurements; at least 6 of each are needed", len(a), len(b)))
	}
	ratios := make([]float64, len(a))
	for i := range a {
		ratios[i] = a[i] / b[i]
	}
	slices.Sort(ratios)
	cut := outside(len(ratios))
	return Ratio{
		Median: median(ratios), Low: ratios[cut], High: ratios[len(ratios)-1-cut], Pairs: len(ratios),
	}
}

func (r Ratio) String() string {
	return fmt.Sprintf("%.3f [%.3f to %.3f, %d pairs]", r.Median, r.Low, r.High, r.Pairs)
}

// Median returns the middle of values, which need not be sorted and are left as they are. It is NaN for
// none.
func Median(values []float64) float64 {
	return median(slices.Sorted(slices.Values(values)))
}

func median(sorted []float64) float64 {
	n := len(sorted)
	if n == 0 {
		return math.NaN()
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// outside returns how many of n sorted values may be left out at each end so that the rest still spans
// the median with 95%: the sign test's interval, which assumes nothing of how the values spread.
func outside(n int) int {
	// Each value is below the true median with probability one half: sum the binomial's tail.
	tail, term := 0.0, math.Pow(0.5, float64(n))
	for k := 0; ; k++ {
		tail += term
		if 2*tail > 0.05 {
			return max(k-1, 0)
		}
		term *= float64(n-k) / float64(k+1)
	}
}

// Interleave calls a and b n times each, in the order A B, B A, A B, …, and collects what they
// measured. It stops at the first error.
func Interleave(n int, a, b func() (float64, error)) (as, bs []float64, err error) {
	run := func(to *[]float64, measure func() (float64, error)) {
		if err != nil {
			return
		}
		var value float64
		if value, err = measure(); err == nil {
			*to = append(*to, value)
		}
	}
	for i := range n {
		if i%2 == 0 {
			run(&as, a)
			run(&bs, b)
		} else {
			run(&bs, b)
			run(&as, a)
		}
	}
	return as, bs, err
}
