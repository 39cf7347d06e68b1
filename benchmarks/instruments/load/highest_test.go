package load_test

import (
	"errors"
	"math"
	"testing"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/load"
)

// TestASearchFindsTheRate looks for a rate that only this test knows: from nothing, and from what another round found,
// which may be far off.
func TestASearchFindsTheRate(t *testing.T) {
	for _, limit := range []float64{150, 700, 3333, 16000, 123456} {
		for _, near := range []float64{0, limit, limit / 1.3, limit * 1.3, limit * 3} {
			probes, best := 0, 0.0
			held, err := load.Highest(near, 1.1, func(rate float64) (bool, error) {
				probes++
				if rate <= limit {
					best = max(best, rate)
				}
				return rate <= limit, nil
			})
			if err != nil || held != best || held < limit/1.16 || held > limit {
				t.Errorf("from %g the limit %g was found as %g with %d probes, %v", near, limit, held, probes, err)
			}
			if near == limit && probes > 7 {
				t.Errorf("from itself %g took %d probes, want 7 or fewer", limit, probes)
			}
		}
	}
}

// TestASearchFromARateThatHolds doubles what it begins with, which saves the rates below.
func TestASearchFromARateThatHolds(t *testing.T) {
	const limit = 34500
	for _, from := range []float64{12345, 30000, 60000} {
		probes := 0
		held, err := load.HighestFrom(from, 1.1, func(rate float64) (bool, error) {
			if probes++; probes == 1 && math.Abs(rate/from-1) > .05 {
				t.Errorf("from %g it begins with %g", from, rate)
			}
			return rate <= limit, nil
		})
		if err != nil || held < limit/1.16 || held > limit || probes > 11 {
			t.Errorf("from %g the limit %g was found as %g with %d probes, %v", from, float64(limit), held, probes, err)
		}
	}
}

// TestASearchForALittleStep asks for rates nearer to each other than those that can be read.
func TestASearchForALittleStep(t *testing.T) {
	for _, limit := range []float64{1049, 9700, 10300, 16000} {
		held, err := load.Highest(limit, 1.001, func(rate float64) (bool, error) { return rate <= limit, nil })
		if err != nil || held < limit/1.06 || held > limit {
			t.Errorf("the limit %g was found as %g, %v", limit, held, err)
		}
	}
}

func TestASearchEndsAtAnError(t *testing.T) {
	broken := errors.New("broken")
	held, err := load.Highest(0, 1.1, func(rate float64) (bool, error) {
		if rate > 4000 {
			return false, broken
		}
		return true, nil
	})
	if held != 4000 || !errors.Is(err, broken) {
		t.Errorf("found %g, %v; want 4000 and the error", held, err)
	}
}
