package report_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/benchmarks/report"
	"github.com/woodytoys/woodytoys/benchmarks/report/figures"
	"github.com/woodytoys/woodytoys/benchmarks/report/raw"
	"github.com/woodytoys/woodytoys/benchmarks/report/synthetic"
)

var update = flag.Bool("update", false, "write the golden files anew")

func mustMake(t *testing.T) *figures.Results {
	t.Helper()
	run, measurements := synthetic.Run(1, 1)
	r, err := figures.Make(run, measurements)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestGolden makes every file from the made-up run.
func TestGolden(t *testing.T) {
	dir := t.TempDir()
	if err := report.Write(mustMake(t), dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{figures.File, report.HTMLFile, report.MarkdownFile, report.CSVFile} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		golden := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(golden, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not as in testdata: look at the difference, and if it is meant, run this test with -update",
				name)
		}
	}
}

// TestTheReportNeedsNothingElse looks for anything that a browser would fetch.
func TestTheReportNeedsNothingElse(t *testing.T) {
	page, err := report.HTML(mustMake(t))
	if err != nil {
		t.Fatal(err)
	}
	if found := regexp.MustCompile(`(?i)(src|href)="[^#"]|url\(|@import|<script|<link|NaN|Inf\b|%!|&lt;nil`).Find(
		page); found != nil {
		t.Errorf("the report has %q", found)
	}
}

// TestAnInvalidRunSaysSo checks that the report of a run with one stale answer, and otherwise right, says that it is
// invalid.
func TestAnInvalidRunSaysSo(t *testing.T) {
	run, measurements := synthetic.Run(1, 1)
	for i := range measurements {
		if measurements[i].Stage == "redis" && measurements[i].Name == "sustained" {
			measurements[i].Oracle.Stale = 1
			measurements[i].Oracle.Examples = []string{"product 7 in version 3, after 4 was acknowledged"}
			break
		}
	}
	r, page := mustReport(t, run, measurements)
	for what, text := range map[string]string{"report": string(page), "summary": string(report.Markdown(r))} {
		for _, want := range []string{"This run is invalid", "1 stale", "product 7 in version 3"} {
			if !strings.Contains(text, want) {
				t.Errorf("the %s does not say %q", what, want)
			}
		}
	}
}

// TestChangesAreReported looks for how many changes there were beside the answers that were checked.
func TestChangesAreReported(t *testing.T) {
	run, measurements := synthetic.Run(1, 1)
	for i := range measurements[:2] {
		measurements[i].Oracle.ChangesDue, measurements[i].Oracle.Changed = 1000, 990
	}
	r, err := figures.Make(run, measurements)
	if err != nil {
		t.Fatal(err)
	}
	page, err := report.HTML(r)
	for _, want := range []string{"changes meanwhile", "<td>1,980</td>"} {
		if err != nil || !strings.Contains(string(page), want) {
			t.Errorf("the report does not say %q (%v)", want, err)
		}
	}
}

// TestARoundThatIsLeftOutIsReported checks that the report says that a round is left out, when no rate held in its
// search of the last stage.
func TestARoundThatIsLeftOutIsReported(t *testing.T) {
	run, measurements := synthetic.Run(1, 1)
	for i := range measurements {
		if m := &measurements[i]; m.Name == "probe" && m.Stage == "cdn" && m.Repeat == 2 {
			m.Samples[0].Verdict = 1
		}
	}
	r, err := figures.Make(run, measurements)
	if err != nil {
		t.Fatal(err)
	}
	page, err := report.HTML(r)
	want := "left out is 1 round in which one of the two is zero"
	if err != nil || !strings.Contains(string(page), want) {
		t.Errorf("the report does not say %q (%v)", want, err)
	}
}

// TestErrorsStandBesideWhatIsReportedFirst makes four of five responses to heavy fail in the first stage, and half of
// the writes and a part of the mix in all, and looks for that in what is read first, the chapters, and the summary.
func TestErrorsStandBesideWhatIsReportedFirst(t *testing.T) {
	run, measurements := synthetic.Run(1, 1)
	for i := range measurements {
		m := &measurements[i]
		switch {
		case m.Name == "throughput" && m.What == "heavy" && m.Stage == "baseline":
			m.Hey = []byte("\nSummary:\n  Total:\t2.0000 secs\n\nStatus code distribution:\n  [200]\t20 responses\n" +
				"  [503]\t80 responses\n")
		case m.Name == "sustained":
			m.Samples[0].Verdict, m.Samples[1].Verdict = 1, 1
		case m.Name == "fresh":
			m.Requests = 200
		}
	}
	r, page := mustReport(t, run, measurements)
	for want, text := range map[string][]byte{
		`was 10\.0/s \(80\.0 % errors\)`:                      page,
		`<s>10\.0/s \(80\.0 % errors\) →</s>`:                 page,
		`class="now">[0-9,]+/s \(1\.00 % errors\)`:            page,
		`p99: [0-9.]+ ms \(50\.0 % errors\), before`:          page,
		`\| heavy, 64 at once .*\n\| errors of that \| 80\.0`: report.Markdown(r),
		`every replica answers it, p99 \| .*\(50\.0 % err`:    report.Markdown(r),
	} {
		if !regexp.MustCompile(want).Match(text) {
			t.Errorf("there is no %s", want)
		}
	}
}

// TestAnyPartOfARunMakesAReport cuts the run off after each of its measurements, as Ctrl-C does.
func TestAnyPartOfARunMakesAReport(t *testing.T) {
	run, measurements := synthetic.Run(1, 1)
	run.Stopped = "interrupted"
	for n := 0; n < len(measurements); n += 7 {
		r, err := figures.Make(run, measurements[:n])
		if err != nil {
			t.Fatal(err)
		}
		page, err := report.HTML(r)
		if err != nil {
			t.Fatalf("after %d measurements: %v", n, err)
		}
		if found := regexp.MustCompile(`NaN|Inf\b|%!`).Find(append(page, report.Markdown(r)...)); found != nil {
			t.Errorf("after %d measurements it has %q", n, found)
		}
	}
}

// TestBeingWatched looks for the chapter, and for none in a run of before there was one.
func TestBeingWatched(t *testing.T) {
	run, measurements := synthetic.Run(1, 1)
	for _, c := range []struct {
		most int // of the pairs
		want []string
	}{
		{3, []string{"in 3 pairs of rounds", "<th scope=\"row\">prometheus</th>", "the shop together"}},
		{1, []string{"in 1 pair of rounds", "(one pair) times the processor time"}},
		{0, nil},
	} {
		left := slices.DeleteFunc(slices.Clone(measurements),
			func(m raw.Measurement) bool { return m.Name == "watched" && m.Repeat > c.most })
		r, err := figures.Make(run, left)
		if err != nil {
			t.Fatal(err)
		}
		page, err := report.HTML(r)
		if err != nil {
			t.Fatal(err)
		}
		if has := bytes.Contains(page, []byte(`id="watched"`)); has != (c.want != nil) {
			t.Errorf("with %d pairs the chapter is there: %v", c.most, has)
		}
		for _, want := range c.want {
			if !bytes.Contains(page, []byte(want)) {
				t.Errorf("with %d pairs it does not say %q", c.most, want)
			}
		}
	}
}

// TestNodes looks for the chapter on the database's nodes, and for that of their stage, which is compared with the one
// that it is added to. What the row of the stages leads to stays what it is without them.
func TestNodes(t *testing.T) {
	run, measurements := synthetic.WithNodes(1)
	r, page := mustReport(t, run, measurements)
	for _, want := range []string{
		`id="nodes"`, `three nodes serve 0\.[78]\d+ \(.*\) of one server&#39;s \(at least 0\.700 was asked for\)`,
		`acknowledged after [34]\.\d+ ms \(p50\), with one server [01]\.\d+ ms, [34]\.\d+ \(.*\) times as long`, `database-proxy</`, `reads alone</.*database</.*database[23]</`,
		`the API and the database</`, `1,994/s`, `class="chapter s-database"`, `16,400/s →</s> 14,000/s`,
	} {
		if !regexp.MustCompile(want).Match(page) {
			t.Errorf("the report has no %s", want)
		}
	}
	if _, last := r.Ends(figures.Objective); last.Stage != "cdn" {
		t.Errorf("the story leads to %s, want cdn", last.Stage)
	}
	for i := range measurements {
		if m := &measurements[i]; m.Name == "nodes" && m.What == "three/reads" {
			m.TookUs *= 2
		}
	}
	if _, page = mustReport(t, run, measurements); !bytes.Contains(page, []byte("was asked for, and is missed")) {
		t.Error("a report of fewer reads does not say that they are too few")
	}
	without, err := report.HTML(mustMake(t))
	if err != nil || bytes.Contains(without, []byte(`id="nodes"`)) {
		t.Errorf("a run without the stage has the chapter (%v)", err)
	}
}

// TestSale looks for the chapter on the sale, which says where there were too few reads of what was sold.
func TestSale(t *testing.T) {
	run, measurements := synthetic.Run(1, 1)
	page := func() []byte {
		r, err := figures.Make(run, measurements)
		if err != nil {
			t.Fatal(err)
		}
		if mean(t, r, "redis", figures.SaleRefused.P99()) > mean(t, r, "redis", figures.SaleTaken.P99()) {
			t.Error("what is sold out is refused later than it is sold")
		}
		page, err := report.HTML(r)
		if err != nil {
			t.Fatal(err)
		}
		return page
	}
	for _, want := range []string{
		`id="sale"`, `1,000 orders for a new product of which there are 100, by 500 buyers at once`,
		`<th[^>]*>redis</th>.*4,\d\d\d/s|redis.*\d ms`,
	} {
		if !regexp.MustCompile(want).Match(page()) {
			t.Errorf("the report has no %s", want)
		}
	}
	if bytes.Contains(page(), []byte("half was asked for")) {
		t.Error("the report finds too few reads")
	}
	for i := range measurements {
		if m := &measurements[i]; m.Name == "sale" && m.What == "during" {
			m.Counts["reads_us"] *= 2
		}
	}
	if !bytes.Contains(page(), []byte("half was asked for")) {
		t.Error("the report does not say that there were too few reads")
	}
}

func mean(t *testing.T, r *figures.Results, stage string, name figures.Key) float64 {
	t.Helper()
	m, ok := r.Mean(stage, name)
	if !ok {
		t.Errorf("%s has no %s", stage, name)
	}
	return m
}

// mustReport returns a run's figures, and their page.
func mustReport(t *testing.T, run raw.Run, measurements []raw.Measurement) (r *figures.Results, page []byte) {
	t.Helper()
	r, err := figures.Make(run, measurements)
	if err != nil {
		t.Fatal(err)
	}
	if page, err = report.HTML(r); err != nil {
		t.Fatal(err)
	}
	return r, page
}
