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

// TestAnInvalidRunSaysSo has one stale answer in a run that is otherwise right.
func TestAnInvalidRunSaysSo(t *testing.T) {
	run, measurements := synthetic.Run(1, 1)
	for i := range measurements {
		if measurements[i].Stage == "redis" && measurements[i].Name == "sustained" {
			measurements[i].Oracle.Stale = 1
			measurements[i].Oracle.Examples = []string{"product 7 in version 3, after 4 was acknowledged"}
			break
		}
	}
	r, err := figures.Make(run, measurements)
	if err != nil {
		t.Fatal(err)
	}
	page, err := report.HTML(r)
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{"report": string(page), "summary": string(report.Markdown(r))} {
		for _, want := range []string{"This run is invalid", "1 stale", "product 7 in version 3"} {
			if !strings.Contains(text, want) {
				t.Errorf("the %s does not say %q", what, want)
			}
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
