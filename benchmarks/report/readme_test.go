package report_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/benchmarks/report"
	"github.com/woodytoys/woodytoys/benchmarks/report/figures"
)

func TestRefresh(t *testing.T) {
	r := mustMake(t)
	load := func(file string) (*figures.Results, error) {
		if file != "results/x.json" {
			return nil, errors.New("there is no " + file)
		}
		return r, nil
	}
	const before = "# Title\n\n<!-- benchmarks:begin results/x.json -->\nold\n<!-- benchmarks:end -->\nrest\n"
	once, err := report.Refresh([]byte(before), load)
	if err != nil {
		t.Fatal(err)
	}
	if text := string(once); !strings.HasPrefix(text, "# Title\n") ||
		!strings.HasSuffix(text, "<!-- benchmarks:end -->\nrest\n") ||
		!strings.Contains(text, string(report.Markdown(r))) || strings.Contains(text, "\nold\n") {
		t.Errorf("refreshed:\n%s", text)
	}
	if twice, err := report.Refresh(once, load); err != nil || !bytes.Equal(once, twice) {
		t.Errorf("the second time it changes again, %v", err)
	}
	for name, document := range map[string]string{
		"no mark": "# Title\n", "no end": "<!-- benchmarks:begin results/x.json -->\n",
		"another file": "<!-- benchmarks:begin y -->\n<!-- benchmarks:end -->",
	} {
		if _, err := report.Refresh([]byte(document), load); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	r.Valid = false
	if _, err := report.Refresh([]byte(before), load); err == nil {
		t.Error("an invalid run's summary was written")
	}
}

// TestTheReadmeShowsItsRun fails when the README's summary is not the one of the run that it names:
// `go run ./benchmarks readme` makes it anew.
func TestTheReadmeShowsItsRun(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(readme, []byte("<!-- benchmarks:begin ")) {
		t.Skip("the README has no summary of a run")
	}
	fresh, err := report.Refresh(readme,
		func(file string) (*figures.Results, error) { return figures.Load(filepath.Join("../..", file)) })
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(readme, fresh) {
		t.Error("the README's summary is not that of the run it names: `go run ./benchmarks readme` makes it anew")
	}
}
