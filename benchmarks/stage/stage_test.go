package stage_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/woodytoys/woodytoys/benchmarks/report"
	"github.com/woodytoys/woodytoys/benchmarks/report/figures"
	"github.com/woodytoys/woodytoys/benchmarks/report/raw"
	"github.com/woodytoys/woodytoys/benchmarks/stage"
)

func TestEveryStageIsTold(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range stage.All {
		if s.Name == "" || seen[s.Name] || s.StackFile == "" || s.Colour == "" || s.DarkColour == "" ||
			s.Changed == nil || s.Then == nil {
			t.Errorf("%q is missing something, or there twice", s.Name)
		}
		seen[s.Name] = true
	}
}

func TestReplicas(t *testing.T) {
	for name, want := range map[string]int{"baseline": 1, "replicas": 3, "cdn": 3, "target": 0, "of an older run": 3} {
		if got := stage.Named(name).Replicas(3); got != want {
			t.Errorf("%s has %d replicas of 3, want %d", name, got, want)
		}
	}
}

// TestAStageIsAValue adds a stage to the table, and nothing else: the report has its chapter, with its words and
// colour, and what it made better.
func TestAStageIsAValue(t *testing.T) {
	before := stage.All
	defer func() { stage.All = before }()
	stage.All = append(stage.All[:len(before):len(before)], stage.Stage{
		Name: "shards", Redis: true, StackFile: "stack-shards.yml", Colour: "#123456", DarkColour: "#654321",
		Changed: func(l stage.Limits) string { return fmt.Sprintf("Three shards for %d replicas.", l.Replicas) },
		Then:    func(stage.Limits) string { return "Reads are spread." },
		Gains:   []stage.Gain{{Key: figures.LastMiss, What: "last product, first", Why: "three can answer"}},
	})
	run := raw.Run{Stages: []raw.Stage{{Name: "cdn", Replicas: 3}, {Name: "shards", Replicas: 3}}}
	var all []raw.Measurement
	for name, took := range map[string]int64{"cdn": 9e6, "shards": 3e6} {
		all = append(all, raw.Measurement{
			Stage: name, Name: "table", What: "last_miss", Samples: []raw.Sample{{TookUs: took}},
			Oracle: raw.Oracle{Checked: 1},
		})
	}
	results, err := figures.Make(run, all)
	if err != nil {
		t.Fatal(err)
	}
	page, err := report.HTML(results)
	if err != nil {
		t.Fatal(err)
	}
	for _, words := range []string{
		"--shards: #123456;", "--shards: #654321;", ".s-shards {", "Three shards for 3 replicas.",
		"Reads are spread.", "three can answer",
	} {
		if !bytes.Contains(page, []byte(words)) {
			t.Errorf("the report has no %q", words)
		}
	}
}

// TestTheRowIsWithoutWhatIsAdded looks at the stages by which the story goes, and at how the others are deployed.
func TestTheRowIsWithoutWhatIsAdded(t *testing.T) {
	if got, want := stage.Row(), []string{"baseline", "replicas", "redis", "cdn"}; !slices.Equal(got, want) {
		t.Errorf("the row is %v, want %v", got, want)
	}
	for name, want := range map[string][]string{"redis": {"redis"}, "database": {"redis", "database"}} {
		if got := stage.Named(name).Deployed(); !slices.Equal(got, want) {
			t.Errorf("%s is deployed as %v, want %v", name, got, want)
		}
	}
	for _, s := range stage.All {
		if s.On != "" && !slices.Contains(stage.Row(), s.On) {
			t.Errorf("%s is added to %q, which is no stage of the row", s.Name, s.On)
		}
	}
}
