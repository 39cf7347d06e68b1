// Package figures makes a run's figures from its raw measurements, and compares two runs'. Its
// Results are what results.json holds.
package figures

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/woodytoys/woodytoys/benchmarks/report/raw"
)

// Version is the version of results.json. It is raised when the meaning of a member changes.
const Version = 1

const (
	format = "woodytoys-benchmark-results"
	// File is the name of the results in a run's folder.
	File = raw.ResultsFile
)

// Results are a run's figures.
type Results struct {
	Format  string  `json:"format"`
	Version int     `json:"version"`
	Run     raw.Run `json:"run"`
	// Valid reports that responses were checked while measuring and that none was stale or wrong.
	Valid bool `json:"valid"`
	// Invalid are the reasons why not, Warnings what a reader should know besides.
	Invalid  []string `json:"invalid,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
	// Correctness is what was checked, for each stage.
	Correctness []Correctness `json:"correctness"`
	Figures     []Figure      `json:"figures"`
	Curves      []Curve       `json:"curves,omitempty"`
}

// Correctness is what the oracle saw of a stage.
type Correctness struct {
	Stage string `json:"stage"`
	raw.Oracle
}

// Better is the direction in which a figure improves.
type Better string

// Less and More are the two ways; figures without are only shown.
const (
	Less Better = "less"
	More Better = "more"
)

// Figure is a value that was measured once in each repeat.
type Figure struct {
	Stage string `json:"stage"`
	// Name is its key, such as mix/500/rate.
	Name   Key    `json:"name"`
	Unit   string `json:"unit"`
	Better Better `json:"better,omitempty"`
	// Values are in the order of the rounds.
	Values []float64 `json:"values"`
	// Rounds are the numbers of the rounds that the values were measured in; absent where each round has one, from 1
	// on.
	Rounds []int   `json:"rounds,omitempty"`
	Mean   float64 `json:"mean"`
	// Deviation is the sample's standard deviation; zero for a single value.
	Deviation float64 `json:"deviation"`
}

// Numbers returns the numbers of the rounds that the values were measured in.
func (f Figure) Numbers() []int {
	if f.Rounds != nil {
		return f.Rounds
	}
	numbers := make([]int, len(f.Values))
	for i := range numbers {
		numbers[i] = i + 1
	}
	return numbers
}

// Curve is how long which part of the answers took at most, all repeats together.
type Curve struct {
	Stage  string  `json:"stage"`
	Name   Key     `json:"name"` // of the load
	Points []Point `json:"points"`
}

// Point is a quantile: a part Q of the answers, from 0 to 1, took at most Ms.
type Point struct {
	Q  float64 `json:"q"`
	Ms float64 `json:"ms"`
}

// Get returns a stage's figure of a name.
func (r *Results) Get(stage string, name Key) (Figure, bool) {
	i := slices.IndexFunc(r.Figures, func(f Figure) bool { return f.Stage == stage && f.Name == name })
	if i < 0 {
		return Figure{}, false
	}
	return r.Figures[i], true
}

// Ends returns a figure of the first stage that has it and of the last one; zero where none has. A stage that is added
// to another one is neither where that was measured.
func (r *Results) Ends(name Key) (first, last Figure) {
	for _, stage := range r.row() {
		if f, ok := r.Get(stage, name); ok {
			if first.Name == "" {
				first = f
			}
			last = f
		}
	}
	return first, last
}

// Mean returns the mean of a stage's figure, and whether there is one.
func (r *Results) Mean(stage string, name Key) (float64, bool) {
	f, ok := r.Get(stage, name)
	return f.Mean, ok
}

// Stages returns the names of the stages that were measured, in the order of the story.
func (r *Results) Stages() (names []string) {
	for _, stage := range r.Run.Stages {
		if stage.Missing == "" {
			names = append(names, stage.Name)
		}
	}
	return names
}

// row returns Stages without those that are added to another one of them.
func (r *Results) row() (names []string) {
	measured := r.Stages()
	for _, stage := range r.Run.Stages {
		if stage.Missing == "" && !slices.Contains(measured, stage.On) {
			names = append(names, stage.Name)
		}
	}
	return names
}

// Load reads a run's results: made anew from its raw material where the folder has that, else from
// results.json. path is the folder or the file itself.
func Load(path string) (*Results, error) {
	if raw.Has(path) {
		run, measurements, err := raw.Read(path)
		if err != nil {
			return nil, err
		}
		return Make(run, measurements)
	}
	file := path
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		file = filepath.Join(path, File)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("no run there: %w", err)
	}
	var r Results
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if r.Format != format || r.Version != Version {
		return nil, fmt.Errorf("%s is %q version %d; this program reads %q version %d",
			file, r.Format, r.Version, format, Version)
	}
	return &r, nil
}

// JSON returns the content of results.json.
func (r *Results) JSON() ([]byte, error) {
	text, err := json.MarshalIndent(r, "", " ")
	return append(text, '\n'), err
}
