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

// search finds the highest rate that holds: it doubles until one misses, then halves the distance. A rate
// that misses is tried once more, since a machine that does other things too has unlucky moments; every
// probe is kept.
func search(probe func(rate float64) (raw.Measurement, error), holds func(raw.Measurement) bool) error {
	held, missed := 0.0, math.Inf(1)
	rate := float64(searchFrom)
	for range mostRates {
		m, err := probe(rate)
		if err != nil {
			return err
		}
		ok := holds(m)
		if !ok {
			if m, err = probe(rate); err != nil {
				return err
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
			return nil
		case math.IsInf(missed, 1):
			rate = held * 2
		case held == 0:
			rate = missed / 2
		case missed/held <= searchStep:
			return nil
		default:
			rate = round(math.Sqrt(held * missed))
		}
	}
	return nil
}

// round makes a rate that can be read: two digits and a half.
func round(rate float64) float64 {
	step := math.Pow(10, math.Floor(math.Log10(rate))) / 20
	return math.Round(rate/step) * step
}
