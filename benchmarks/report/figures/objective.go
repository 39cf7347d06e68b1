package figures

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/report/raw"
)

// search is what looked for the highest rate in a stage's round.
type search struct {
	stage string
	round int
}

// objectives finds, for each search, the highest rate of which a probe held the objective, and
// below which there is no rate of which none did; and what reads cost at that rate. A search that the end of the run
// cut off has not found it yet.
func (m *resultsBuilder) objectives(measurements []raw.Measurement) {
	var order []search
	probes := map[search]map[float64]*raw.Measurement{} // a probe that held, or nil, by its rate
	for _, x := range measurements {
		if x.Name != "probe" {
			continue
		}
		key := search{x.Stage, x.Repeat}
		if probes[key] == nil {
			probes[key] = map[float64]*raw.Measurement{}
			order = append(order, key)
		}
		if held := probes[key][x.Rate]; held == nil {
			probes[key][x.Rate] = nil
			if Holds(x, time.Duration(m.Run.Settings.ObjectiveMs)*time.Millisecond) {
				probes[key][x.Rate] = &x
			}
		}
	}
	cut, isCut := m.cutSearch(measurements)
	for _, key := range order {
		if isCut && key == cut {
			m.Warnings = append(m.Warnings, fmt.Sprintf("%s: the run ended during the search of the highest rate "+
				"(round %d), which is left out.", key.stage, key.round))
			continue
		}
		m.objective(key, probes[key])
	}
}

// objective is what a search found by its probes: those that held, or nil, by their rate.
func (m *resultsBuilder) objective(of search, probes map[float64]*raw.Measurement) {
	highest := 0.0
	for _, rate := range slices.Sorted(maps.Keys(probes)) {
		if probes[rate] == nil {
			break
		}
		highest = rate
	}
	m.round = of.round
	m.put(of.stage, Objective, "1/s", More, highest)
	if held := probes[highest]; held != nil {
		m.busyReads(*held)
	}
}

// cutSearch returns the search during which the run ended, if it did not come to its end and there is nothing behind
// that search. One that had just ended is taken for it too.
func (m *resultsBuilder) cutSearch(measurements []raw.Measurement) (cut search, ok bool) {
	if m.Run.Broken() == "" {
		return cut, false
	}
	for _, x := range slices.Backward(measurements) {
		if x.Name != CutOff {
			return search{x.Stage, x.Repeat}, x.Name == "probe"
		}
	}
	return cut, false
}

// busyReads is what reads cost each component at the highest rate that held.
func (m *resultsBuilder) busyReads(x raw.Measurement) {
	good, failed := count(x)
	thousands := float64(good+failed) / 1000
	for _, part := range x.Parts {
		m.put(x.Stage, BusyReadsGroup.Of(part.Name), "s/1000", Less, seconds(part.CPUUs)/thousands)
	}
	if len(x.Parts) > 0 {
		m.put(x.Stage, BusyReadsGroup.Of(GeneratorName), "s/1000", "", seconds(x.GeneratorUs)/thousands)
	}
}

// Holds reports whether all requests that an open loop was to send got good answers, 99% of them within the objective,
// and whether at least 99% of what was asked for was sent.
func Holds(x raw.Measurement, objective time.Duration) bool {
	good, failed := count(allDue(x))
	return failed == 0 && good > 0 &&
		float64(good)/seconds(x.TookUs) >= .99*x.Rate*float64(x.ForMs)/float64(x.ForMs+objective.Milliseconds()) &&
		latencies(x, nil).At(.99) < objective
}
