package figures

import (
	"slices"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/load"
	"github.com/woodytoys/woodytoys/benchmarks/report/raw"
)

// dueOf returns how many requests an open loop was to send; zero for any other load.
func dueOf(x raw.Measurement) int {
	switch {
	case x.Rate <= 0:
		return 0
	case x.Requests > 0:
		return x.Requests
	}
	return int(x.Rate * (time.Duration(x.ForMs) * time.Millisecond).Seconds())
}

// allDue returns an open loop's measurement with a sample for each request that was due. A load that waits no longer
// ends with requests that it never sent, the last ones, of which it has no samples: they have failed, and took at least
// from when they were due until it ended.
func allDue(x raw.Measurement) raw.Measurement {
	sent, due := len(x.Samples), dueOf(x)
	x.Samples = slices.Grow(slices.Clip(x.Samples), max(0, due-sent))
	for n := sent; n < due; n++ {
		at := int64(float64(n) / x.Rate * 1e6)
		x.Samples = append(x.Samples, raw.Sample{AtUs: at, TookUs: max(0, x.TookUs-at), Verdict: int(load.Failed)})
	}
	return x
}
