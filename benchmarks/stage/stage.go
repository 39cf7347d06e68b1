// Package stage is the table of the shop's stages: what each is made of, what it changes, and what was
// published of the original. Whoever brings stages up, measures them or writes of them reads it here; a new stage is a
// file of this package, and its line in All.
package stage

import (
	"slices"

	"github.com/woodytoys/woodytoys/benchmarks/report/figures"
)

// Stage is a configuration of the shop that is measured.
type Stage struct {
	Name string

	// Single is set for one replica of the API, however many are asked for.
	Single bool
	// Redis is set where replicas share what they cache, Edge where the page's files come from an edge cache, Nodes
	// where the database is three nodes behind a proxy.
	Redis, Edge, Nodes bool
	// On is the stage that it is added to; empty for one that stands in the row of the others. Figures of one that is
	// added are compared with those of that stage, and are not where the row leads to.
	On string
	// SameAPI is a stage whose API is that of the one before, and is measured once more only if the profile asks for
	// it.
	SameAPI bool
	// StackFile is what deploys it on Swarm.
	StackFile string

	// Changed is what the stage is, and Then what that does about the simulated limits.
	Changed, Then func(Limits) string
	// Colour and DarkColour are its colour in charts, on a light page and on a dark one.
	Colour, DarkColour string
	// Gains are the figures that its chapter looks at.
	Gains []Gain
	// Published is its line of the lab's table, Study that of the study of load balancing.
	Published Published
	Study     Study
}

// Limits are what a run simulates, in words, and its sizes.
type Limits struct {
	Heavy, Last, Uplink          string
	Replicas, Slots, Connections int
}

// Gain is a figure that a stage is to make better.
type Gain struct {
	Key figures.Key
	// What it is, and Why it became better, if it did; empty where there is no simple reason.
	What, Why string
	// OnlyProcessor is a figure that more replicas on one machine cannot make better: nothing but its processor limits
	// it.
	OnlyProcessor bool
}

// Published is a line of the lab's table: the original, a Flask program of one thread, at the lab's full delays. In
// seconds; zero where nothing was published.
type Published struct{ Page, HeavyMiss, HeavyHit, LastMiss, LastHit float64 }

// Study is a figure of a published study of three-tier load balancing (Flask, PostgreSQL; 80% reads and 20% writes by
// 500 at once): answers a second, and percents of errors. Zero where nothing was published.
type Study struct{ Rate, Errors float64 }

// All are the stages, in the order of the story.
var All = []Stage{baseline, replicas, redis, cdn, database}

// Target is something that is deployed already, at an unknown stage.
var Target = Stage{Name: "target"}

// Names returns those of All.
func Names() (names []string) {
	for _, s := range All {
		names = append(names, s.Name)
	}
	return names
}

// Named returns the stage of a name. One that is not in All, such as that of an older run, has nothing but its name.
func Named(name string) Stage {
	if i := slices.IndexFunc(All, func(s Stage) bool { return s.Name == name }); i >= 0 {
		return All[i]
	}
	return Stage{Name: name}
}

// Row returns the names of those that are not added to another, each of which has the one before in it.
func Row() (names []string) {
	for _, s := range All {
		if s.On == "" {
			names = append(names, s.Name)
		}
	}
	return names
}

// Deployed returns the names that scripts/deploy is given for it.
func (s Stage) Deployed() []string {
	if s.On == "" {
		return []string{s.Name}
	}
	return []string{s.On, s.Name}
}

// MayKeep reports whether answers of the stage may come from a cache.
func (s Stage) MayKeep() bool { return s.Redis || s.Name == Target.Name }

// Replicas returns how many replicas it has where so many are asked for; zero where it does not set a number.
func (s Stage) Replicas(asked int) int {
	switch {
	case s.Name == Target.Name:
		return 0
	case s.Single:
		return 1
	}
	return asked
}
