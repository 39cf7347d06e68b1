package runner

import (
	"math"

	"github.com/woodytoys/woodytoys/benchmarks/report/raw"
)

const (
	// searchFrom is the rate at which a search begins, and searchTo where it ends, held or not.
	searchFrom, searchTo = 2000, 200_000
	// searchStep is how near to each other the highest rate that held and the lowest that did not are to be,
	// as a factor.
	searchStep = 1.1
	// mostRates bounds a search.
	mostRates = 12
)

// search finds the highest rate that holds, and returns it: it goes up until one misses, then halves the distance. From
// nothing it doubles; from near a rate that was found before it goes up by a fifth. A rate that misses is tried once
// more, since a machine that does other things too has unlucky moments; every probe is kept.
func search(
	near float64, probe func(rate float64) (raw.Measurement, error), holds func(raw.Measurement) bool,
) (held float64, err error) {
	missed, rate, up := math.Inf(1), float64(searchFrom), 2.0
	if near > 0 {
		rate, up = round(near*.8), 1.2
	}
	for range mostRates {
		ok := false
		for tries := 0; tries < 2 && !ok; tries++ {
			m, err := probe(rate)
			if err != nil {
				return held, err
			}
			ok = holds(m)
		}
		if ok {
			held = rate
		} else {
			missed = rate
		}
		switch {
		case held >= searchTo || missed <= 125:
			return held, nil
		case math.IsInf(missed, 1):
			rate = round(held * up)
		case held == 0:
			rate = round(missed / 2)
		case missed/held <= searchStep:
			return held, nil
		default:
			rate = round(math.Sqrt(held * missed))
		}
	}
	return held, nil
}

// round makes a rate that can be read: two digits and a half.
func round(rate float64) float64 {
	step := math.Pow(10, math.Floor(math.Log10(rate))) / 20
	return math.Round(rate/step) * step
}
