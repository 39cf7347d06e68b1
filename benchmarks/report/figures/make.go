package figures

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/load"
	"github.com/woodytoys/woodytoys/benchmarks/report/raw"
)

// Make returns the results of a run.
func Make(run raw.Run, measurements []raw.Measurement) (*Results, error) {
	m := &resultsBuilder{Results: &Results{Format: format, Version: Version, Run: run}, places: map[place]int{},
		curves: map[place]load.Latencies{}}
	m.readRate = readRate(measurements)
	for _, measurement := range measurements {
		if err := errors.Join(m.add(measurement), m.refused); err != nil {
			return nil, fmt.Errorf("measurement %d: %w", measurement.Seq, err)
		}
	}
	if m.objectives(measurements); m.refused != nil {
		return nil, m.refused
	}
	m.others(measurements)
	m.correctness(measurements)
	m.finish()
	return m.Results, nil
}

// resultsBuilder computes the Results of a run from its measurements.
type resultsBuilder struct {
	*Results
	round    int           // the round of the measurement that is being added
	readRate float64       // the rate of the reads whose processor time is used
	places   map[place]int // index in Figures by stage and key
	order    []place       // the order in which curves were added
	curves   map[place]load.Latencies
	refused  error // the first value that put refused
}

// place is a stage's figure.
type place struct {
	stage string
	name  Key
}

// put adds a repeat's value to a figure. It refuses one that is no finite number, and a second one of the same round.
func (m *resultsBuilder) put(stage string, name Key, unit string, better Better, value float64) {
	key := place{stage, name}
	i, ok := m.places[key]
	if !ok {
		i = len(m.Figures)
		m.places[key] = i
		m.Figures = append(m.Figures, Figure{Stage: stage, Name: name, Unit: unit, Better: better})
	}
	f := &m.Figures[i]
	switch {
	case m.refused != nil:
	case math.IsNaN(value) || math.IsInf(value, 0):
		m.refused = fmt.Errorf("%s %s is %v in round %d, which is no value", stage, name, value, m.round)
	case slices.Contains(f.Rounds, m.round):
		m.refused = fmt.Errorf("%s %s has two values in round %d", stage, name, m.round)
	}
	f.Values, f.Rounds = append(f.Values, value), append(f.Rounds, m.round)
}

// quantile adds a round's quantile of latencies, in ms, where there are enough of them for it to be another than their
// maximum: 100 for the p99.
func (m *resultsBuilder) quantile(stage string, name Key, took load.Latencies, q float64) {
	if took.Shows(q) && len(took) > 0 {
		m.put(stage, name, "ms", Less, ms(took.At(q)))
	}
}

func (m *resultsBuilder) add(x raw.Measurement) error {
	m.round = x.Repeat
	if x.Unparted != "" {
		m.Warnings = append(m.Warnings, fmt.Sprintf("%s, %s (repeat %d): what it cost the components is not known: %s",
			x.Stage, x.Title(), x.Repeat, x.Unparted))
	}
	switch x.Name {
	case "table":
		m.table(x)
	case "throughput":
		return m.throughput(x)
	case "mix", "sustained":
		m.closed(x)
	case "latency":
		m.open(x)
	case "fresh":
		m.fresh(x)
	case "sliced":
		m.sliced(x)
	case "watched":
		m.watched(x)
	case "nodes":
		m.nodes(x)
	case "sale":
		return m.sale(x)
	}
	return nil
}

// table adds the figure of one client's call: the median of its times, without the calls that failed.
func (m *resultsBuilder) table(x raw.Measurement) {
	took := latencies(x, func(s raw.Sample) bool { return s.Verdict == int(load.Good) })
	if len(took) == 0 {
		m.Warnings = append(m.Warnings, fmt.Sprintf("%s: no good answer to %s (repeat %d)", x.Stage, x.What, x.Repeat))
		return
	}
	if failed := len(x.Samples) - len(took); failed > 0 {
		m.Warnings = append(m.Warnings, fmt.Sprintf("%s: %d of %d calls of %s failed (repeat %d): its time is of the "+
			"others.", x.Stage, failed, len(x.Samples), x.What, x.Repeat))
	}
	key := TableGroup.Of(x.What)
	m.put(x.Stage, key, "s", Less, took.At(.5).Seconds())
	for _, count := range []string{"bytes_origin", "bytes_edge", "files"} {
		if value, ok := x.Counts[count]; ok {
			m.put(x.Stage, key.Of(count), map[bool]string{true: "", false: "B"}[count == "files"], "", value)
		}
	}
}

func (m *resultsBuilder) throughput(x raw.Measurement) error {
	if len(x.Hey) == 0 {
		return fmt.Errorf("hey's output (%s) is missing", x.HeyFile)
	}
	hey, err := parseHey(x.Hey)
	if err != nil {
		return fmt.Errorf("%s: %w", x.HeyFile, err)
	}
	name := Throughput(x.What, x.Conns)
	m.put(x.Stage, name, "1/s", More, float64(hey.Good)/hey.Took.Seconds())
	m.put(x.Stage, name.Errors(), "%", Less, percent(hey.Bad, hey.Good+hey.Bad))
	return nil
}

func (m *resultsBuilder) closed(x raw.Measurement) {
	name := Group(x.Name).At(float64(x.Conns))
	good, failed := count(x)
	if good+failed == 0 {
		m.Warnings = append(m.Warnings,
			fmt.Sprintf("%s: no request of %s was made (repeat %d)", x.Stage, x.Title(), x.Repeat))
		return
	}
	m.put(x.Stage, name.Rate(), "1/s", More, float64(good)/seconds(x.TookUs))
	m.put(x.Stage, name.Errors(), "%", Less, percent(failed, good+failed))
	took := latencies(x, nil)
	m.quantile(x.Stage, name.P50(), took, .5)
	m.quantile(x.Stage, name.P99(), took, .99)
	if x.Name == "sustained" {
		m.cost(x)
	}
}

// quantiles are the quantiles that are shown for each rate.
var quantiles = []struct {
	name string
	q    float64
}{{"p50", .5}, {"p90", .9}, {"p99", .99}, {"p999", .999}, {"max", 1}}

// open is what came of requests at a rate. Errors and latencies are of all that were due, the costs of those that were
// sent.
func (m *resultsBuilder) open(x raw.Measurement) {
	name, due := LatencyGroup.At(x.Rate), allDue(x)
	good, failed := count(due)
	m.put(x.Stage, name.Sent(), "1/s", "", float64(len(x.Samples))/seconds(x.TookUs))
	m.put(x.Stage, name.Errors(), "%", Less, percent(failed, good+failed))
	took := latencies(due, nil)
	for _, quantile := range quantiles {
		m.quantile(x.Stage, name.Of(quantile.name), took, quantile.q)
	}
	if thousands := float64(len(x.Samples)) / 1000; thousands > 0 && x.Rate == m.readRate {
		for _, part := range x.Parts {
			m.put(x.Stage, ReadCPUGroup.Of(part.Name), "s/1000", Less, seconds(part.CPUUs)/thousands)
		}
	}
	key := place{x.Stage, name}
	if _, ok := m.curves[key]; !ok {
		m.order = append(m.order, key)
	}
	m.curves[key] = append(m.curves[key], took...)
}

// readRate returns the highest rate of reads that every stage kept up with: the more there are, the less weighs what
// goes on without them.
func readRate(measurements []raw.Measurement) (rate float64) {
	keptUp := map[float64]bool{}
	for _, x := range measurements {
		if x.Name != "latency" {
			continue
		}
		good, failed := count(allDue(x))
		ok := failed == 0 && float64(good)/seconds(x.TookUs) >= .95*x.Rate
		if before, asked := keptUp[x.Rate]; asked {
			ok = ok && before
		}
		keptUp[x.Rate] = ok
	}
	for r, ok := range keptUp {
		if ok {
			rate = max(rate, r)
		}
	}
	return rate
}

// fresh has two kinds of samples: 0 until the write was acknowledged, 1 until every replica answered it, which a write
// that failed has not. Those that did not get everywhere are errors, and no latencies.
func (m *resultsBuilder) fresh(x raw.Measurement) {
	good := func(kind int) func(raw.Sample) bool {
		return func(s raw.Sample) bool { return s.Kind == kind && s.Verdict == int(load.Good) }
	}
	acknowledged, everywhere := latencies(x, good(0)), latencies(x, good(1))
	asked := x.Requests
	if asked == 0 {
		asked = len(latencies(x, func(s raw.Sample) bool { return s.Kind == 0 }))
	}
	m.put(x.Stage, FreshErrors, "%", Less, percent(asked-len(everywhere), asked))
	if len(everywhere) < asked {
		m.Warnings = append(m.Warnings, fmt.Sprintf("%s: %d of %d writes did not get to every replica (repeat %d): "+
			"the times are of the others.", x.Stage, asked-len(everywhere), asked, x.Repeat))
	}
	m.quantile(x.Stage, FreshAcknowledgedP50, acknowledged, .5)
	m.quantile(x.Stage, FreshEverywhereP50, everywhere, .5)
	m.quantile(x.Stage, FreshEverywhereP99, everywhere, .99)
}

// sliced is what replicas in slices of processor time carried, how much of the slices that took, and what else of the
// machine.
func (m *resultsBuilder) sliced(x raw.Measurement) {
	name := Sliced(x.What, x.Slices)
	good, failed := count(x)
	m.put(x.Stage, name.Rate(), "1/s", More, float64(good)/seconds(x.TookUs))
	m.put(x.Stage, name.Errors(), "%", Less, percent(failed, good+failed))
	thousands := float64(good+failed) / 1000
	if thousands == 0 || len(x.Parts) == 0 {
		return
	}
	used := x.GeneratorUs + x.OthersUs
	for _, part := range x.Parts {
		if part.Name == "api" && m.Run.SliceCores > 0 { // runs of before it was recorded at the beginning may lack it
			m.put(x.Stage, name.Used(), "%", "",
				100*seconds(part.CPUUs)/(seconds(x.TookUs)*float64(x.Slices)*m.Run.SliceCores))
		}
		m.put(x.Stage, name.CPU(part.Name), "s/1000", Less, seconds(part.CPUUs)/thousands)
		used += part.CPUUs
	}
	if cpus := m.Run.Machine.CPUs; cpus > 0 {
		m.put(x.Stage, name.Machine(), "%", "", 100*seconds(used)/(seconds(x.TookUs)*float64(cpus)))
	}
}

// watched is what the mix cost with those who watch, or without, and what they cost themselves.
func (m *resultsBuilder) watched(x raw.Measurement) {
	name, due := Watched(x.What), allDue(x)
	thousands := float64(len(x.Samples)) / 1000
	if thousands == 0 {
		return
	}
	good, failed := count(due)
	m.put(x.Stage, name.Rate(), "1/s", "", float64(good)/seconds(x.TookUs))
	m.put(x.Stage, name.Errors(), "%", Less, percent(failed, good+failed))
	m.quantile(x.Stage, name.P99(), latencies(due, nil), .99)
	if len(x.Parts) == 0 {
		return
	}
	var shop int64
	watchers := raw.Part{Name: Together}
	for _, part := range x.Parts {
		if part.Watcher {
			m.watcher(x, part)
			watchers.CPUUs, watchers.MemoryBytes = watchers.CPUUs+part.CPUUs, watchers.MemoryBytes+part.MemoryBytes
			continue
		}
		m.put(x.Stage, name.CPU(part.Name), "s/1000", Less, seconds(part.CPUUs)/thousands)
		shop += part.CPUUs
	}
	m.put(x.Stage, name.CPU(Together), "s/1000", Less, seconds(shop)/thousands)
	m.watcher(x, watchers)
	if down := x.Counts["targets_down"]; down > 0 {
		m.Warnings = append(m.Warnings, fmt.Sprintf("%s was not watched as it should have been: %.0f targets did not "+
			"answer Prometheus (pair %d)", x.Stage, down, x.Repeat))
	}
}

// nodes is what uncached reads, or writes, came to with one database or with three nodes, and what they cost.
func (m *resultsBuilder) nodes(x raw.Measurement) {
	name := NodesGroup.Of(x.What)
	good, failed := count(x)
	thousands := float64(good+failed) / 1000
	if thousands == 0 {
		return
	}
	m.put(x.Stage, name.Rate(), "1/s", More, float64(good)/seconds(x.TookUs))
	m.put(x.Stage, name.Errors(), "%", Less, percent(failed, good+failed))
	took := latencies(x, nil)
	m.quantile(x.Stage, name.P50(), took, .5)
	m.quantile(x.Stage, name.P99(), took, .99)
	if len(x.Parts) == 0 {
		return
	}
	var all int64
	for _, part := range x.Parts {
		m.put(x.Stage, name.CPU(part.Name), "s/1000", Less, seconds(part.CPUUs)/thousands)
		all += part.CPUUs
	}
	m.put(x.Stage, name.CPU(Together), "s/1000", Less, seconds(all)/thousands)
}

// watcher adds the figures of one component that watches, and of all of them together. Without them there is nothing to
// report.
func (m *resultsBuilder) watcher(x raw.Measurement, part raw.Part) {
	if x.What != With {
		return
	}
	name := Watcher(part.Name)
	m.put(x.Stage, name.Used(), "%", Less, 100*seconds(part.CPUUs)/seconds(x.TookUs))
	m.put(x.Stage, name.Memory(), "MB", Less, float64(part.MemoryBytes)/1e6)
}

// cost is where the work of a measurement went.
func (m *resultsBuilder) cost(x raw.Measurement) {
	good, failed := count(x)
	thousands := float64(good+failed) / 1000
	if thousands == 0 {
		return
	}
	var servers float64
	for _, part := range x.Parts {
		m.put(x.Stage, CPUGroup.Of(part.Name), "s/1000", Less, seconds(part.CPUUs)/thousands)
		m.put(x.Stage, MemoryGroup.Of(part.Name), "MB", Less, float64(part.MemoryBytes)/1e6)
		servers += seconds(part.CPUUs)
	}
	if len(x.Parts) > 0 {
		m.put(x.Stage, Generator, "s/1000", "", seconds(x.GeneratorUs)/thousands)
		m.put(x.Stage, GeneratorShare, "%", "", 100*seconds(x.GeneratorUs)/(seconds(x.GeneratorUs)+servers))
	}
	if queries, ok := x.Counts["queries"]; ok {
		m.put(x.Stage, Queries, "1/1000", Less, queries/thousands)
	}
	shares := func(group Group, counts map[string]int) {
		var sum int
		short := map[string]int{} // two tasks of a replica, one after the other, have one short name
		for name, n := range counts {
			sum += n
			short[shortName(name)] += n
		}
		for _, name := range slices.Sorted(maps.Keys(short)) {
			m.put(x.Stage, group.Of(name), "%", "", percent(short[name], sum))
		}
	}
	shares(LayerGroup, x.Layers)
	shares(ReplicaGroup, x.Replicas)
}

// shortName returns a replica's name without what Swarm makes of it for each task: api.1 of
// woody_api.1.ryev2mnvzz5glfnbjlnnpmkol.
func shortName(name string) string {
	if parts := strings.Split(name, "."); len(parts) == 3 {
		_, service, _ := strings.Cut(parts[0], "_")
		return service + "." + parts[1]
	}
	return name
}

// mostOthers is the part of the processor time that others may take before a reader is warned.
const mostOthers = .1

// others warns when other programs of the machine were busy while the shop was measured without its
// delays, when only the processor limits it.
func (m *resultsBuilder) others(measurements []raw.Measurement) {
	var others, available float64
	for _, x := range measurements {
		switch x.Name {
		case "mix", "sustained", "latency", "probe":
			others += seconds(x.OthersUs)
			available += seconds(x.TookUs) * float64(m.Run.Machine.CPUs)
		}
	}
	if part := others / available; available > 0 && part > mostOthers {
		m.Warnings = append(m.Warnings, fmt.Sprintf("Other programs took %.0f%% of this machine's processor time "+
			"while the mix and the latencies were measured: "+
			"the figures are worse than they would be, and spread more.", 100*part))
	}
}

func (m *resultsBuilder) correctness(measurements []raw.Measurement) {
	for _, stage := range m.Stages() {
		c, measured := Correctness{Stage: stage}, false
		for _, x := range measurements {
			if x.Stage != stage {
				continue
			}
			measured = true
			c.Add(x.Oracle)
			m.changes(x)
			if x.Oracle.Stale+x.Oracle.Wrong > 0 {
				reason := fmt.Sprintf("%s, %s (repeat %d): %d stale and %d wrong of %d answers that were checked",
					stage, x.Title(), x.Repeat,
					x.Oracle.Stale, x.Oracle.Wrong, x.Oracle.Checked)
				if len(x.Oracle.Examples) > 0 {
					reason += "; " + x.Oracle.Examples[0]
				}
				m.Invalid = append(m.Invalid, reason)
			}
		}
		if !measured {
			continue // the run ended before
		}
		if c.Checked == 0 {
			m.Invalid = append(m.Invalid, stage+": no answer was checked")
		}
		m.Correctness = append(m.Correctness, c)
	}
	if len(m.Correctness) == 0 {
		m.Invalid = append(m.Invalid, "nothing was measured")
	}
	m.Valid = len(m.Invalid) == 0
}

// manyChanges is how many changes must have been due for a run to be invalid because none was acknowledged: those of a
// second, so that one write that a busy machine makes late is no reason.
const manyChanges = 20

// changes warns where fewer than a tenth of the changes that were due while a load read were acknowledged: what does
// not change is never stale. Where none was, its answers prove nothing. In a full shop a change waits for the one
// before it, so that many fewer than are due are no fault.
func (m *resultsBuilder) changes(x raw.Measurement) {
	due, made := x.Oracle.ChangesDue, x.Oracle.Changed
	if 10*made >= due {
		return
	}
	warning := fmt.Sprintf("%s, %s (repeat %d): of %d changes of what was read %d were acknowledged", x.Stage,
		x.Title(), x.Repeat, due, made)
	if made == 0 && due >= manyChanges {
		m.Invalid = append(m.Invalid, warning+": no answer could be stale")
		return
	}
	m.Warnings = append(m.Warnings, warning+": few answers could be stale.")
}

// curvePoints are the parts that a curve has points for.
var curvePoints = []float64{0, .25, .5, .75, .9, .95, .98, .99, .995, .998, .999, .9995, .9999, 1}

func (m *resultsBuilder) finish() {
	for i := range m.Figures {
		f := &m.Figures[i]
		f.Mean, f.Deviation = spread(f.Values)
		if slices.Equal(f.Rounds, Figure{Values: f.Values}.Numbers()) {
			f.Rounds = nil
		}
	}
	for _, key := range m.order {
		all := m.curves[key]
		slices.Sort(all)
		curve := Curve{Stage: key.stage, Name: key.name}
		for _, q := range curvePoints {
			if all.Shows(q) {
				curve.Points = append(curve.Points, Point{q, ms(all.At(q))})
			}
		}
		m.Curves = append(m.Curves, curve)
	}
	for _, stage := range m.Stages() {
		if share, ok := m.Mean(stage, GeneratorShare); ok && share > 50 {
			m.Warnings = append(m.Warnings, fmt.Sprintf("%s: making the load took %.0f%% of the processor time, more "+
				"than the servers", stage, share))
		}
	}
	if m.Run.Unsliced != "" {
		m.Warnings = append(m.Warnings, "The chapter on scaling is missing: "+m.Run.Unsliced)
	}
	if m.Run.Unwatched != "" {
		m.Warnings = append(m.Warnings, "The chapter on being watched is missing: "+m.Run.Unwatched)
	}
	if broken := m.Run.Broken(); broken != "" {
		m.Warnings = append(m.Warnings, "The run "+broken)
	}
	for _, stage := range m.Run.Stages {
		if stage.Missing != "" {
			m.Warnings = append(m.Warnings, fmt.Sprintf("%s was not measured: %s", stage.Name, stage.Missing))
		}
	}
}

// spread returns the mean and the sample's standard deviation.
func spread(values []float64) (mean, deviation float64) {
	for _, v := range values {
		mean += v / float64(len(values))
	}
	if len(values) < 2 {
		return mean, 0
	}
	for _, v := range values {
		deviation += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(deviation / float64(len(values)-1))
}

// count returns how many answers were good and how many were not.
func count(x raw.Measurement) (good, failed int) {
	for _, s := range x.Samples {
		if s.Verdict == int(load.Good) {
			good++
		} else {
			failed++
		}
	}
	return good, failed
}

// latencies returns the times of the samples that want lets through; nil lets all through.
func latencies(x raw.Measurement, want func(raw.Sample) bool) (l load.Latencies) {
	for _, s := range x.Samples {
		if want == nil || want(s) {
			l = append(l, time.Duration(s.TookUs)*time.Microsecond)
		}
	}
	slices.Sort(l)
	return l
}

func seconds(us int64) float64 { return float64(us) / 1e6 }

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func percent(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return 100 * float64(part) / float64(whole)
}
