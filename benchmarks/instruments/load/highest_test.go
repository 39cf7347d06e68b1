package runner

import (
	"testing"

	"github.com/woodytoys/woodytoys/benchmarks/report/raw"
)

// TestASearchFindsTheRate looks for a rate that only this test knows: from nothing, and from what another round found,
// which may be far off.
func TestASearchFindsTheRate(t *testing.T) {
	for _, limit := range []float64{150, 700, 3333, 16000, 123456} {
		for _, near := range []float64{0, limit, limit / 1.3, limit * 1.3, limit * 3} {
			probes, best := 0, 0.0
			held, err := search(near, func(rate float64) (m raw.Measurement, err error) {
				probes++
				m.Rate = rate
				return m, nil
			}, func(m raw.Measurement) bool {
				if m.Rate <= limit {
					best = max(best, m.Rate)
				}
				return m.Rate <= limit
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
