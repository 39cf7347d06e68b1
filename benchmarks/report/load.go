package report

import (
	"fmt"
	"html/template"
	"slices"

	"github.com/woodytoys/woodytoys/benchmarks/report/figures"
	"github.com/woodytoys/woodytoys/benchmarks/stage"
)

// endpoints are what the throughput's are called.
var endpoints = map[string]string{
	"ping": "GET /api/ping", "heavy": "GET /api/misc/heavy", "last": "GET /api/products/last",
	"product": "GET /api/products/ID", "products": "GET /api/products",
}

func (b *builder) throughput() (plots []plot, t table) {
	names, conns := b.named(figures.ThroughputGroup)
	stages := b.having(figures.ThroughputGroup)
	t.Head = append([]string{"", "at once"}, stages...)
	for _, name := range names {
		if name == "errors" {
			continue
		}
		title := endpoints[name]
		if title == "" {
			title = name
		}
		var series []line
		for _, stage := range stages {
			s := line{name: stage, class: "s-" + stage}
			for _, n := range conns {
				if f, ok := b.r.Get(stage, figures.Throughput(name, int(n))); ok && f.Mean > 0 {
					s.x, s.y = append(s.x, n), append(s.y, f.Mean)
					s.words = append(s.words, fmt.Sprintf("%s, %s at once: %s", stage, level(n), withSpread(f)))
				}
			}
			if len(s.x) > 0 {
				series = append(series, s)
			}
		}
		if len(series) > 0 {
			plots = append(plots, plot{title, lines("Answers a second of "+title+
				" by stage and by how many ask at once", "answers/s", "asking at once", conns, series)})
		}
		for _, n := range conns {
			cells := []string{title, level(n)}
			for _, stage := range stages {
				which := figures.Throughput(name, int(n))
				cells = append(cells, b.rate(stage, which, which.Errors()))
			}
			if slices.ContainsFunc(cells[2:], func(c string) bool { return c != none }) {
				t.add(cells...)
			}
		}
	}
	return plots, t
}

func (b *builder) mix() (plots []plot, t table) {
	_, conns := b.named(figures.MixGroup)
	_, sustained := b.named(figures.SustainedGroup)
	stages := b.having(figures.MixGroup)
	var columns []bar
	var groups []string
	add := func(title string, key figures.Key, n float64) {
		cells := []string{title, level(n)}
		for _, stage := range stages {
			cells = append(cells, b.rate(stage, key.Rate(), key.Errors()))
		}
		t.add(cells...)
	}
	for i, n := range conns {
		groups = append(groups, level(n))
		for slot, stage := range stages {
			if rate, ok := b.r.Get(stage, figures.MixGroup.At(n).Rate()); ok {
				columns = append(columns, bar{i, slot, "s-" + stage, rate.Mean, rate.Deviation,
					fmt.Sprintf("%s, %s at once: %s", stage, level(n), withSpread(rate))})
			}
		}
		add("answers/s", figures.MixGroup.At(n), n)
	}
	for _, n := range sustained {
		add("answers/s, sustained", figures.SustainedGroup.At(n), n)
	}
	if len(t.Rows) == 0 {
		return nil, table{}
	}
	t.Head = append([]string{"", "at once"}, stages...)
	study := []string{"published", "500"}
	for _, stage := range stages {
		study = append(study, studied(stage))
	}
	t.aside(study...)
	if picture := bars("Answers a second of the 80/20 mix by stage and by how many ask at once", "answers/s",
		"asking at once", groups, len(stages), columns,
		studyBest(), "published, at 500: "+figures.Round(studyBest())+"/s"); picture != "" {
		plots = append(plots, plot{"80% reads, 20% writes, no delays", picture})
	}
	if picture := b.mixTails(stages, conns); picture != "" {
		plots = append(plots, plot{"Its p99, closed loop", picture})
	}
	return plots, t
}

// studied returns what the study of load balancing published of a stage; empty for nothing.
func studied(name string) string {
	study := stage.Named(name).Study
	if study.Rate == 0 {
		return ""
	}
	return fmt.Sprintf("%s/s (%g %% errors)", figures.Round(study.Rate), study.Errors)
}

// mixTails returns the mix's p99 in its closed loop, which hides what a stall keeps from being sent.
func (b *builder) mixTails(stages []string, conns []float64) template.HTML {
	var series []line
	for _, stage := range stages {
		s := line{name: stage, class: "s-" + stage}
		for _, n := range conns {
			if f, ok := b.r.Get(stage, figures.MixGroup.At(n).P99()); ok && f.Mean > 0 {
				s.x, s.y = append(s.x, n), append(s.y, f.Mean)
				s.words = append(s.words, fmt.Sprintf("%s, %s at once: %s", stage, level(n), withSpread(f)))
			}
		}
		if len(s.x) > 0 {
			series = append(series, s)
		}
	}
	return lines("The 99th percentile of the mix by stage and by how many ask at once", "ms", "asking at once",
		conns, series)
}

func (b *builder) latency() (plots []plot, t table) {
	_, rates := b.named(figures.LatencyGroup)
	ceiling := float64(b.r.Run.Settings.ObjectiveMs)
	for _, rate := range rates {
		name := figures.LatencyGroup.At(rate)
		var curves []figures.Curve
		var classes []string
		for _, curve := range b.r.Curves {
			if curve.Name == name {
				curves, classes = append(curves, curve), append(classes, "s-"+curve.Stage)
			}
		}
		title := fmt.Sprintf("%s reads a second", figures.Round(rate))
		if len(curves) > 0 {
			plots = append(plots,
				plot{title, tails("How long which part of the answers took, at "+title, curves, classes, ceiling)})
		}
		for _, stage := range b.stages {
			if _, ok := b.r.Get(stage, name.P50()); !ok {
				continue
			}
			cells := []string{stage, figures.Round(rate) + "/s", b.cell(stage, name.Sent())}
			for _, q := range []string{"p50", "p90", "p99", "p999", "max", "errors"} {
				cells = append(cells, b.cell(stage, name.Of(q)))
			}
			t.add(cells...)
		}
	}
	if len(t.Rows) > 0 {
		t.Head = []string{"", "asked", "answered", "p50", "p90", "p99", "p99.9", "max", "errors"}
	}
	var columns []bar
	searched := b.having(figures.ObjectiveGroup)
	for i, stage := range searched {
		if f, ok := b.r.Get(stage, figures.Objective); ok {
			columns = append(columns, bar{i, 0, "s-" + stage, f.Mean, f.Deviation, stage + ": " + withSpread(f)})
		}
	}
	title := fmt.Sprintf("Highest rate with p99 under %d ms and no errors", b.r.Run.Settings.ObjectiveMs)
	if picture := bars(title+", by stage", "reads/s", "", searched, 1, columns, 0, ""); picture != "" {
		plots = append([]plot{{title, picture}}, plots...)
	}
	return plots, t
}
