package report

import "github.com/woodytoys/woodytoys/benchmarks/stage"

// The lab's own delays (seconds), and what its uplink carried (bytes a second), for which stage.Published was measured.
const (
	labHeavy  = 5.0
	labLast   = 15.0
	labUplink = 300_000
)

// studyBest returns the highest rate that the study of load balancing came to, answers a second.
func studyBest() (best float64) {
	for _, s := range stage.All {
		best = max(best, s.Study.Rate)
	}
	return best
}
