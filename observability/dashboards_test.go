package observability_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// dashboard is what is looked at of Grafana's JSON.
type dashboard struct {
	UID, Title, Description string
	Time                    struct{ From, To string }
	Refresh                 string
	Panels                  []panel
	Annotations             struct {
		List []struct {
			Name, Expr string
			Datasource source
		}
	}
}

type source struct{ Type, UID string }

type panel struct {
	ID                       int
	Type, Title, Description string
	GridPos                  struct{ X, Y, W, H int }
	Datasource               source
	FieldConfig              struct {
		Defaults struct {
			Unit       string
			Thresholds struct {
				Steps []struct {
					Color string
					Value *float64
				}
			}
		}
	}
	Targets []struct {
		RefID, Expr, LegendFormat string
		Datasource                source
	}
}

// mustReadDashboards returns the dashboards by the names of their files.
func mustReadDashboards(t *testing.T) map[string]dashboard {
	t.Helper()
	names, err := filepath.Glob("grafana/dashboards/*.json")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]dashboard{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var d dashboard
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all[strings.TrimSuffix(filepath.Base(name), ".json")] = d
	}
	return all
}

// TestDashboards checks the dashboards against what makes them work in any Grafana that has Prometheus, and for whoever
// is called at night.
func TestDashboards(t *testing.T) {
	all := mustReadDashboards(t)
	if got, want := slices.Sorted(maps.Keys(all)), []string{"cache", "shop", "stores"}; !slices.Equal(got, want) {
		t.Fatalf("dashboards are %v, want %v", got, want)
	}
	for name, d := range all {
		t.Run(name, func(t *testing.T) {
			if d.UID != name || d.Title == "" || d.Description == "" || d.Refresh == "" {
				t.Errorf("uid %q, title %q, description %q, refresh %q", d.UID, d.Title, d.Description, d.Refresh)
			}
			if !strings.HasPrefix(d.Time.From, "now-") || d.Time.To != "now" {
				t.Errorf("it shows %q to %q, want what is relative to now", d.Time.From, d.Time.To)
			}
			if len(d.Annotations.List) == 0 {
				t.Error("nothing marks when replicas began")
			}
			for _, a := range d.Annotations.List {
				if a.Datasource != theSource {
					t.Errorf("the marks %q are of %v", a.Name, a.Datasource)
				}
			}
			titles, ids := map[string]bool{}, map[int]bool{}
			for _, p := range d.Panels {
				if titles[p.Title] || ids[p.ID] || p.ID == 0 || p.Title == "" {
					t.Errorf("the panel %d %q has no title or id of its own", p.ID, p.Title)
				}
				titles[p.Title], ids[p.ID] = true, true
				if p.Type != "row" {
					lint(t, p)
				}
			}
			overlaps(t, d.Panels)
		})
	}
}

var theSource = source{Type: "prometheus", UID: "prometheus"} // as provisioning/datasources has it

// lint says what a panel lacks.
func lint(t *testing.T, p panel) {
	t.Helper()
	say := func(format string, args ...any) {
		t.Helper()
		t.Errorf("%s: %s", p.Title, fmt.Sprintf(format, args...))
	}
	what, do, _ := strings.Cut(p.Description, "\n\nRed: ")
	if what == "" || do == "" {
		say("it does not say what it shows and what to do when it is red, but %q", p.Description)
	}
	for _, alert := range regexp.MustCompile(`runbook (\w+)`).FindAllStringSubmatch(p.Description, -1) {
		if !slices.Contains(alertNames(t, render(t, "--stages", allStages)), alert[1]) {
			say("it leads to %s in the runbook, which is no alert", alert[1])
		}
	}
	red := false
	for _, step := range p.FieldConfig.Defaults.Thresholds.Steps {
		red = red || step.Color == "red"
	}
	if !red {
		say("it is never red")
	}
	if p.FieldConfig.Defaults.Unit == "" {
		say("it has no unit")
	}
	if p.Datasource != theSource {
		say("its datasource is %v", p.Datasource)
	}
	if len(p.Targets) == 0 {
		say("it asks for nothing")
	}
	legends, refs := map[string]bool{}, map[string]bool{}
	for _, q := range p.Targets {
		if q.Datasource != theSource || refs[q.RefID] || q.RefID == "" {
			say("the query %q of %v has no id of its own", q.RefID, q.Datasource)
		}
		if legends[q.LegendFormat] || q.LegendFormat == "" {
			say("the query %s has no legend of its own: %q", q.RefID, q.LegendFormat)
		}
		legends[q.LegendFormat], refs[q.RefID] = true, true
		if fixed := regexp.MustCompile(`(rate|increase)\([^\[]*\[\d`).FindString(q.Expr); fixed != "" {
			say("the query %s has a window that is not Grafana's to choose: %s", q.RefID, fixed)
		}
		counter := regexp.MustCompile(`\w+_total\b[^\[\]]*(\[|$)`).FindString(q.Expr)
		if counter != "" && !regexp.MustCompile(`(rate|increase)\(`).MatchString(q.Expr) {
			say("the query %s shows a counter as it is: %s", q.RefID, counter)
		}
	}
}

// overlaps says which panels lie on each other, or beyond the page's 24 columns.
func overlaps(t *testing.T, panels []panel) {
	t.Helper()
	for i, p := range panels {
		a := p.GridPos
		if a.X < 0 || a.W <= 0 || a.H <= 0 || a.X+a.W > 24 {
			t.Errorf("%s lies beyond the page: %+v", p.Title, a)
		}
		for _, q := range panels[:i] {
			if b := q.GridPos; a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H {
				t.Errorf("%s lies on %s", p.Title, q.Title)
			}
		}
	}
}

// TestTheFirstFigure checks that the first dashboard begins with the number of stale answers, and of those checked.
func TestTheFirstFigure(t *testing.T) {
	var first panel
	for _, p := range mustReadDashboards(t)["shop"].Panels {
		if p.Type != "row" && (first.Type == "" || p.GridPos.Y < first.GridPos.Y ||
			p.GridPos.Y == first.GridPos.Y && p.GridPos.X < first.GridPos.X) {
			first = p
		}
	}
	if first.Type != "stat" || len(first.Targets) != 2 ||
		!strings.Contains(first.Targets[0].Expr, "woody_observer_stale_total") ||
		!strings.Contains(first.Targets[1].Expr, "woody_observer_checked_total") {
		t.Errorf("the first figure is %+v", first)
	}
}
