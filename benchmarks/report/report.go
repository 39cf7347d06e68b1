package report

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"fmt"
	"html/template"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/woodytoys/woodytoys/benchmarks/report/figures"
	"github.com/woodytoys/woodytoys/internal/serving"
)

//go:embed report.html.tmpl
var page string

var pageTemplate = template.Must(template.New("report").Parse(page))

// The files that Write makes in a run's folder, beside results.json.
const (
	HTMLFile     = "report.html"
	MarkdownFile = "summary.md"
	CSVFile      = "figures.csv"
)

// HTML returns the report as one file that needs nothing else.
func HTML(r *figures.Results) ([]byte, error) {
	var b bytes.Buffer
	err := pageTemplate.Execute(&b, build(r))
	return b.Bytes(), err
}

// CSV returns a line for each figure and round's value.
func CSV(r *figures.Results) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	// Error returns what failed
	w.Write([]string{"stage", "figure", "unit", "better", "repeat", "value", "mean", "deviation"})
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	for _, f := range r.Figures {
		for i, v := range f.Values {
			w.Write([]string{f.Stage, string(f.Name), f.Unit, string(f.Better), strconv.Itoa(f.Numbers()[i]), number(v),
				number(f.Mean), number(f.Deviation)})
		}
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

// Markdown returns the summary: what a README shows of a run.
func Markdown(r *figures.Results) []byte {
	b := &builder{r: r, stages: r.Stages()}
	var out bytes.Buffer
	if !r.Valid {
		fmt.Fprintf(&out, "**This run is invalid: its figures must not be used.**\n\n")
		for _, reason := range r.Invalid {
			fmt.Fprintf(&out, "- %s\n", reason)
		}
		fmt.Fprintln(&out)
	}
	fmt.Fprintf(&out, "| | %s | published |\n|---|%s---|\n",
		strings.Join(b.stages, " | "), strings.Repeat("---|", len(b.stages)))
	line := func(title string, key figures.Key, published string) {
		cells := make([]string, len(b.stages))
		any := false
		for i, stage := range b.stages {
			cells[i] = b.cell(stage, key)
			if key == figures.FreshEverywhereP99 {
				cells[i] += b.errors(stage, figures.FreshErrors)
			}
			any = any || cells[i] != none
		}
		if any {
			fmt.Fprintf(&out, "| %s | %s | %s |\n", title, strings.Join(cells, " | "), published)
		}
	}
	line("whole page with its picture", figures.Page, "16.1 s; 0.030 s with a CDN, without the picture")
	line("heavy, first", figures.HeavyMiss, "5.03 s to 5.06 s")
	line("heavy, again", figures.HeavyHit, "0.021 s with Redis")
	line("last product, first", figures.LastMiss, "15.2 s")
	line("last product, again", figures.LastHit, "0.032 s with Redis")
	line("heavy, 64 at once", figures.Throughput("heavy", 64), none)
	line("errors of that", figures.Throughput("heavy", 64).Errors(), none)
	line("last product, 64 at once", figures.Throughput("last", 64), none)
	line("errors of that", figures.Throughput("last", 64).Errors(), none)
	line("80% reads, 20% writes, 500 at once, delays off", figures.Sustained(500).Rate(), "1,192/s; 1,994/s balanced")
	line("errors of that", figures.Sustained(500).Errors(), "3.25 %; 0.05 % balanced")
	line(fmt.Sprintf("highest rate of reads with p99 under %d ms and no errors", r.Run.Settings.ObjectiveMs),
		figures.Objective, none)
	line("a write until every replica answers it, p99", figures.FreshEverywhereP99, none)
	s := r.Run.Settings
	fmt.Fprintf(&out,
		"\n%s. %s profile, %s: simulated delays %s and %s, uplink %s/s for each connection, %s. %s, %s.\n", b.badge(),
		r.Run.Profile, r.Run.Driver,
		span(float64(s.HeavyDelayMs)/1000), span(float64(s.SlowQueryDelayMs)/1000), size(float64(s.UplinkBytes)),
		plural(s.Replicas, "replica"), b.where(), r.Run.Began.UTC().Format("2006-01-02"))
	for _, warning := range r.Warnings {
		fmt.Fprintf(&out, "\n%s\n", warning)
	}
	return out.Bytes()
}

// Write makes results.json, the report, the summary and the table in a folder.
func Write(r *figures.Results, dir string) error {
	page, err := HTML(r)
	if err != nil {
		return err
	}
	table, err := CSV(r)
	if err != nil {
		return err
	}
	results, err := r.JSON()
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{figures.File: results, HTMLFile: page, CSVFile: table,
		MarkdownFile: Markdown(r)} {
		if err := serving.ReplaceFile(filepath.Join(dir, name), content); err != nil {
			return err
		}
	}
	return nil
}
