package report

// What was published for the original, a Flask program of one thread, at the lab's full delays
// (seconds), and in a study of three-tier load balancing (Flask, PostgreSQL; 80% reads and 20% writes
// by 500 at once).

// publishedRow is one line of the lab's table. Zero where nothing was published.
type publishedRow struct {
	stage                                        string
	page, heavyMiss, heavyHit, lastMiss, lastHit float64
}

var published = []publishedRow{
	{stage: "baseline", page: 16.065, heavyMiss: 5.029, lastMiss: 15.198},
	{stage: "replicas", page: 16.093, heavyMiss: 5.040, lastMiss: 15.169},
	{stage: "redis", page: 16.102, heavyMiss: 5.058, heavyHit: .021, lastMiss: 15.214, lastHit: .032},
	{stage: "cdn", page: .030, heavyMiss: 5.058, heavyHit: .021, lastMiss: 15.214, lastHit: .032},
}

// The lab's own delays, and what its uplink carried.
const (
	labHeavy  = 5.0
	labLast   = 15.0
	labUplink = 300_000
)

// The study's figures at 500 at once, without and with load balancers.
const (
	studyAlone, studyBalanced             = 1192.0, 1994.0
	studyAloneErrors, studyBalancedErrors = 3.25, 0.05
)

func publishedOf(stage string) publishedRow {
	for _, row := range published {
		if row.stage == stage {
			return row
		}
	}
	return publishedRow{stage: stage}
}
