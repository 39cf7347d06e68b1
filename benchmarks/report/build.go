// Package report makes what people read of a run's results: one HTML file that needs nothing else, a
// Markdown summary, and a table for other programs.
package report

import (
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"strings"

	"github.com/woodytoys/woodytoys/benchmarks/report/figures"
	"github.com/woodytoys/woodytoys/benchmarks/report/raw"
	"github.com/woodytoys/woodytoys/benchmarks/stage"
)

// view is what the template shows.
type view struct {
	R                *figures.Results
	Badge            string
	When, Where      string
	Stages           []swatch // every stage of the run
	Headlines        []headline
	Rounds           table
	Chapters         []chapter
	Apart            string // why the sections on the API leave a stage out
	Lab              table
	LabNote          string
	Throughput       []plot
	ThroughputTable  table
	ThroughputLegend []key
	Mix              []plot
	MixTable         table
	MixLegend        []key
	Latency          []plot
	LatencyTable     table
	LatencyLegend    []key
	Fresh            table
	Checks           table
	Where2           []plot
	Costs            table
	Capacity         table
	Scaling          scalingView
	Watched          watchedView
	Sale             saleView
	Nodes            nodesView
	CapacityNote     string
	Parts            []key
	Layers           []key
	Setting          [][2]string
}

// swatch is a stage's colour in the style sheet.
type swatch struct{ Name, Colour, DarkColour template.CSS }

func swatches() (all []swatch) {
	for _, s := range stage.All {
		all = append(all, swatch{template.CSS(s.Name), template.CSS(s.Colour), template.CSS(s.DarkColour)})
	}
	return all
}

// key is an entry of a legend.
type key struct{ Class, Name string }

// plot is a picture with a title.
type plot struct {
	Title   string
	Picture template.HTML
}

// table is rows under a head; the first cell of a row is its name.
type table struct {
	Head []string
	Rows []row
}

type row struct {
	Cells []string
	// Aside is a row of what was published.
	Aside bool
}

func (t *table) add(cells ...string)   { t.Rows = append(t.Rows, row{Cells: cells}) }
func (t *table) aside(cells ...string) { t.Rows = append(t.Rows, row{Cells: cells, Aside: true}) }

type builder struct {
	r      *figures.Results
	stages []string
}

func build(r *figures.Results) view {
	b := &builder{r: r, stages: r.Stages()}
	v := view{
		R: r, Badge: b.badge(), When: r.Run.Began.UTC().Format("2 January 2006, 15:04 UTC"), Where: b.where(),
		Stages:    swatches(),
		Headlines: b.headlines(), Rounds: b.rounds(), Chapters: b.chapters(), Setting: b.setting(),
	}
	v.ThroughputLegend, v.MixLegend, v.LatencyLegend = legend(b.having(figures.ThroughputGroup)),
		legend(b.having(figures.MixGroup)),
		legend(b.having(figures.LatencyGroup))
	v.Apart = b.apart(figures.MixGroup)
	v.Lab, v.LabNote = b.lab()
	v.Throughput, v.ThroughputTable = b.throughput()
	v.Mix, v.MixTable = b.mix()
	v.Latency, v.LatencyTable = b.latency()
	v.Fresh = b.fresh()
	v.Checks = b.checks()
	v.Where2, v.Parts, v.Layers = b.spent()
	v.Costs = b.costTable()
	v.Capacity, v.CapacityNote = b.capacity()
	v.Scaling = b.scaling()
	v.Sale, v.Watched, v.Nodes = b.sale(), b.watched(), b.nodes()
	return v
}

// badge returns the run's verdict in a line.
func (b *builder) badge() string {
	var all figures.Correctness
	for _, c := range b.r.Correctness {
		all.Add(c.Oracle)
	}
	if !b.r.Valid {
		return "This run is invalid"
	}
	return fmt.Sprintf("%d stale and %d wrong of %s answers that were checked while measuring",
		all.Stale, all.Wrong, count(all.Checked))
}

// where returns what was measured: the machine, or the address of a target.
func (b *builder) where() string {
	if b.r.Run.Driver == "target" {
		return b.r.Run.Target
	}
	return inWords(b.r.Run.Machine)
}

func inWords(m raw.Machine) string {
	return fmt.Sprintf("%d × %s, Linux %s, %s of memory", m.CPUs, m.Model, m.Kernel, size(float64(m.MemoryBytes)))
}

// labTable are the columns of the lab's table.
var labTable = []figures.Key{
	figures.Page, figures.PageInBrowser, figures.HeavyMiss, figures.HeavyHit, figures.LastMiss, figures.LastHit,
	figures.FiveHeavy,
}

// lab returns the published table and ours.
func (b *builder) lab() (t table, note string) {
	t.Head = []string{"", "whole page", "in Chromium", "heavy, first", "heavy, again", "last, first", "last, again",
		"five heavy at once"}
	s := b.r.Run.Settings
	heavy, last := float64(s.HeavyDelayMs)/1000, float64(s.SlowQueryDelayMs)/1000
	for _, name := range b.stages {
		cells := []string{name}
		for _, key := range labTable {
			cells = append(cells, b.cell(name, key))
		}
		if !slices.ContainsFunc(cells[1:], func(c string) bool { return c != none }) {
			continue
		}
		t.add(cells...)
		p := stage.Named(name).Published
		t.aside("published", span(p.Page), none, span(p.HeavyMiss), span(p.HeavyHit), span(p.LastMiss),
			span(p.LastHit), none)
	}
	if len(t.Rows) == 0 {
		return table{}, ""
	}
	same := heavy == labHeavy && last == labLast && s.UplinkBytes == labUplink
	if same {
		return t, "The delays and the uplink are the lab's: 5 s, 15 s, 300 kB/s."
	}
	note = fmt.Sprintf(
		"The simulated delays here are %s and %s and the uplink %s/s; the lab's were 5 s, 15 s and 300 kB/s.",
		span(heavy), span(last), size(float64(s.UplinkBytes)))
	if miss, ok := b.r.Mean(stage.All[0].Name, figures.HeavyMiss); ok && heavy > 0 {
		note += fmt.Sprintf(" Compare what is left above the delay: heavy takes %s more than its delay in the "+
			"baseline stage, the published one took 29 ms more.", span(miss-heavy))
	}
	return t, note
}

// cell returns a stage's figure with its spread, or none.
func (b *builder) cell(stage string, name figures.Key) string {
	if f, ok := b.r.Get(stage, name); ok {
		return withSpread(f)
	}
	return none
}

// named returns the different first words and numbers of a group's figures, each in order of appearance or size.
func (b *builder) named(group figures.Group) (names []string, levels []float64) {
	for _, f := range b.r.Figures {
		rest, ok := group.Has(f.Name)
		if !ok {
			continue
		}
		for word := range strings.SplitSeq(rest, "/") {
			if n, err := strconv.ParseFloat(word, 64); err == nil {
				if !slices.Contains(levels, n) {
					levels = append(levels, n)
				}
				break
			}
			if !slices.Contains(names, word) {
				names = append(names, word)
			}
		}
	}
	slices.Sort(levels)
	return names, levels
}

// having returns the stages that have a figure of a group.
func (b *builder) having(group figures.Group) (stages []string) {
	for _, stage := range b.stages {
		if slices.ContainsFunc(b.r.Figures, func(f figures.Figure) bool {
			_, has := group.Has(f.Name)
			return f.Stage == stage && has
		}) {
			stages = append(stages, stage)
		}
	}
	return stages
}

func legend(stages []string) (keys []key) {
	for _, stage := range stages {
		keys = append(keys, key{"s-" + stage, stage})
	}
	return keys
}

// apart returns the sentence for a section that leaves a stage out, since its API is that of the one before.
func (b *builder) apart(group figures.Group) string {
	measured := b.having(group)
	for i, one := range stage.All {
		if one.SameAPI && slices.Contains(b.stages, one.Name) && !slices.Contains(measured, one.Name) {
			return fmt.Sprintf("The API of the stage %s is that of %s, and is not measured once more.",
				one.Name, stage.All[i-1].Name)
		}
	}
	return ""
}

// rate returns a stage's figure, such as the rate of its responses, with the errors where there were any.
func (b *builder) rate(stage string, name, errors figures.Key) string {
	return b.cell(stage, name) + b.errors(stage, errors)
}

// errors returns how much of a stage's load failed, to be written behind a figure of the rest; empty where nothing did.
func (b *builder) errors(stage string, name figures.Key) string {
	if e, ok := b.r.Mean(stage, name); ok && e > 0 {
		return fmt.Sprintf(" (%s %% errors)", figures.Round(e))
	}
	return ""
}

func level(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

func (b *builder) fresh() (t table) {
	for _, stage := range b.stages {
		_, tried := b.r.Get(stage, figures.FreshErrors)
		if _, ok := b.r.Get(stage, figures.FreshEverywhereP50); ok || tried {
			t.Head = []string{"", "acknowledged, p50", "new everywhere, p50", "new everywhere, p99"}
			t.add(stage, b.cell(stage, figures.FreshAcknowledgedP50),
				b.rate(stage, figures.FreshEverywhereP50, figures.FreshErrors),
				b.cell(stage, figures.FreshEverywhereP99))
		}
	}
	return t
}

func (b *builder) checks() table {
	counted := slices.ContainsFunc(b.r.Correctness, func(c figures.Correctness) bool { return c.ChangesDue > 0 })
	t := table{Head: []string{"", "answers checked", "stale", "wrong"}}
	if counted {
		t.Head = append(t.Head, "changes meanwhile")
	}
	for _, c := range b.r.Correctness {
		cells := []string{c.Stage, count(c.Checked), count(c.Stale), count(c.Wrong)}
		if counted {
			cells = append(cells, count(c.Changed))
		}
		t.add(cells...)
	}
	return t
}

func (b *builder) setting() (all [][2]string) {
	run := b.r.Run
	s := run.Settings
	add := func(name, value string) { all = append(all, [2]string{name, value}) }
	add("Command", run.Command)
	add("Machine", b.where())
	if run.Driver == "target" {
		generator := run.Generator
		if generator == (raw.Machine{}) { // a run of before the two were recorded apart
			generator = run.Machine
		}
		add("Load made on", inWords(generator))
	}
	took := run.Ended.Sub(run.Began)
	if took > 0 {
		add("Took", fmt.Sprintf("%d min %d s", int(took.Minutes()), int(took.Seconds())%60))
	}
	add("Delays", fmt.Sprintf("heavy %s, last product %s, uplink %s/s for each connection; none of them in the 80/20 "+
		"mix and the latencies",
		span(float64(s.HeavyDelayMs)/1000), span(float64(s.SlowQueryDelayMs)/1000), size(float64(s.UplinkBytes))))
	add("Sizes", fmt.Sprintf("%s, %d heavy slots and %d database connections each; %s products",
		plural(s.Replicas, "replica"), s.HeavySlots, s.DBPool, count(s.Products)))
	var versions []string
	for _, name := range []string{"woodytoys", "front", "generator", "go", "haproxy", "varnish", "redis", "mariadb",
		"prometheus", "hey", "chromium"} {
		if version := run.Versions[name]; version != "" {
			versions = append(versions, strings.TrimSpace(name+" "+strings.TrimPrefix(version, name)))
		}
	}
	add("Versions", strings.Join(versions, ", "))
	return all
}
