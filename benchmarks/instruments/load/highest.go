package load

import "math"

const (
	// searchFrom is the rate at which a search begins, and searchTo where it ends, held or not.
	searchFrom, searchTo = 2000, 200_000
	// mostRates bounds a search.
	mostRates = 12
)

// Highest finds the highest rate that holds, and returns it; zero when none does. It goes up until one misses, then
// halves the distance, until the highest that held and the lowest that did not are within step of each other, a factor,
// or next to each other among the rates that it tries, which have two digits and a half. From nothing (near is 0) it
// doubles; from near a rate that was found before it goes up by a fifth. A rate that misses is tried once more, since a
// machine that does other things too has unlucky moments. An error of holds ends the search, with what it has.
func Highest(near, step float64, holds func(rate float64) (bool, error)) (held float64, err error) {
	if near > 0 {
		return highest(round(near*.8), 1.2, step, holds)
	}
	return HighestFrom(searchFrom, step, holds)
}

// HighestFrom is like Highest, from a rate of which it is known that it should hold: it doubles that.
func HighestFrom(rate, step float64, holds func(rate float64) (bool, error)) (held float64, err error) {
	return highest(round(rate), 2, step, holds)
}

// highest searches from a rate on, which goes up by a factor until one misses.
func highest(rate, up, step float64, holds func(rate float64) (bool, error)) (held float64, err error) {
	missed := math.Inf(1)
	for range mostRates {
		ok := false
		for tries := 0; tries < 2 && !ok; tries++ {
			if ok, err = holds(rate); err != nil {
				return held, err
			}
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
		case missed/held <= step:
			return held, nil
		default:
			if rate = round(math.Sqrt(held * missed)); rate == held || rate == missed {
				return held, nil
			}
		}
	}
	return held, nil
}

// round makes a rate that can be read: two digits and a half.
func round(rate float64) float64 {
	step := math.Pow(10, math.Floor(math.Log10(rate))) / 20
	return math.Round(rate/step) * step
}
