// Package runner runs a benchmark from nothing to its raw material: it brings the stages up, measures
// them in turns, shows how far it is, and ends whatever it started, however it ends.
package runner

import (
	"fmt"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/runner/driver"
	"github.com/woodytoys/woodytoys/benchmarks/runner/measure"
	"github.com/woodytoys/woodytoys/benchmarks/stage"
)

// Profile is how much is measured, and with which simulated limits.
type Profile struct {
	Name   string
	Config driver.Config
	// Stages are the stages that are measured where none are named.
	Stages  []string
	Repeats int
	// MoreFor is for how long the run adds rounds of those of the headline's figures whose intervals are wider than a
	// tenth.
	MoreFor time.Duration

	// With the delays: hey asks for each endpoint, so many at once, for so long.
	Endpoints []string
	Levels    []int
	HeyFor    time.Duration

	// Without the delays: the mix's levels (at once, requests), then sustained; reads at fixed rates; the
	// search for the highest rate; writes until they are fresh everywhere.
	Mix          [][2]int
	Sustained    int
	SustainedFor time.Duration
	Rates        []float64
	RateFor      time.Duration
	ProbeFor     time.Duration
	Searches     int // how many of the repeats search the objective's rate
	FreshWrites  int
	Warm         time.Duration

	// In slices: so many replicas after each other, each with a part of a core; the mix and reads for so long, by as
	// many at once for each replica as without slices. None for no slices. What is there twice is measured there and
	// back, so that a machine that becomes slower, or quicker, does not bend the curve.
	Slices     []int
	SliceCores float64
	SliceFor   time.Duration

	// Sale is a flash sale in each round, whose product is read alone for SaleFor before. No toys for no sale.
	Sale    measure.SaleSize
	SaleFor time.Duration

	// Watched is how many pairs of rounds show what being watched costs: the mix for so long without stage
	// observability, and with it, which is a multiple of the scrape interval. None for no such pairs.
	Watched      int
	UnwatchedFor time.Duration
	WatchedFor   time.Duration

	// NodePairs is how many pairs of rounds compare uncached reads by NodeConns at once, writes by as many, and by one
	// alone, with one database and with the nodes of stage database, each for NodesFor.
	NodePairs, NodeConns int
	NodesFor             time.Duration

	// SameAPIs measures the API also in stages whose API is that of the one before.
	SameAPIs bool

	Products  int
	Objective time.Duration
}

// scrapeInterval is the one in observability/prometheus/prometheus.yml: each target is scraped once in it.
const scrapeInterval = 10 * time.Second

// publishedMix are the levels of the published mix: so many at once, so many requests.
var publishedMix = [][2]int{{100, 1000}, {200, 5000}, {500, 10000}, {1000, 15000}}

// Profiles are what --profile may name.
var Profiles = map[string]Profile{
	// Less than eight minutes, rounds that are added among them, without stages that are added to others: delays of a
	// tenth of the lab's, ten times its uplink.
	"quick": {
		Name: "quick", Stages: stage.Row(),
		Config: driver.Config{Replicas: 3, HeavyDelay: 500 * time.Millisecond, SlowQueryDelay: 1500 * time.Millisecond,
			Uplink: 3_000_000, HeavySlots: 2, DBPool: 8},
		Repeats: 3, MoreFor: 10 * time.Second, Endpoints: []string{"ping", "product", "heavy",
			"last"}, Levels: []int{1, 64},
		HeyFor: 500 * time.Millisecond, Mix: publishedMix, Sustained: 500, SustainedFor: 2 * time.Second,
		Rates: []float64{4000}, RateFor: 1500 * time.Millisecond, ProbeFor: 1500 * time.Millisecond, Searches: 3,
		FreshWrites: 100, Warm: 300 * time.Millisecond, Products: 1000, Objective: 50 * time.Millisecond,
		Slices: []int{1, 2, 3, 4, 6, 3, 1}, SliceCores: .1, SliceFor: 1500 * time.Millisecond,
		Sale: measure.SaleSize{Toys: 200, Buyers: 500, Orders: 2000}, SaleFor: 300 * time.Millisecond,
		Watched: 3, UnwatchedFor: 3 * time.Second, WatchedFor: scrapeInterval,
		NodePairs: 4, NodeConns: 64, NodesFor: 1500 * time.Millisecond,
	},
	// The lab's own delays and uplink, and everything longer.
	"full": {
		Name: "full", Stages: stage.Names(),
		Config: driver.Config{Replicas: 3, HeavyDelay: 5 * time.Second, SlowQueryDelay: 15 * time.Second,
			Uplink: 300_000, HeavySlots: 2, DBPool: 8},
		Repeats: 3, MoreFor: 10 * time.Minute, Endpoints: []string{"ping", "product", "products", "heavy", "last"},
		Levels: []int{1, 8, 64}, HeyFor: 2 * time.Second,
		Mix: publishedMix, Sustained: 500, SustainedFor: 15 * time.Second, Rates: []float64{1000, 4000, 10000, 28000},
		RateFor: 5 * time.Second, ProbeFor: 2 * time.Second, Searches: 3, FreshWrites: 200, Warm: time.Second,
		Products: 1000, Objective: 50 * time.Millisecond,
		Slices: []int{1, 2, 3, 4, 6, 4, 3, 2, 1}, SliceCores: .1, SliceFor: 10 * time.Second,
		Sale: measure.SaleSize{Toys: 1000, Buyers: 500, Orders: 10000}, SaleFor: 2 * time.Second,
		Watched: 8, UnwatchedFor: 8 * time.Second, WatchedFor: scrapeInterval,
		NodePairs: 10, NodeConns: 64, NodesFor: 4 * time.Second,
	},
	// Seconds: to see that everything works. Its figures mean nothing.
	"smoke": {
		Name: "smoke", Stages: stage.Row(),
		Config: driver.Config{Replicas: 2, HeavyDelay: 50 * time.Millisecond, SlowQueryDelay: 100 * time.Millisecond,
			Uplink: 50_000_000, HeavySlots: 2, DBPool: 8},
		Repeats: 2, Endpoints: []string{"ping", "heavy", "last"}, Levels: []int{1, 8}, HeyFor: 300 * time.Millisecond,
		Mix: [][2]int{{20, 200}, {50, 400}}, Sustained: 50, SustainedFor: 300 * time.Millisecond, Rates: []float64{500},
		RateFor: 300 * time.Millisecond, ProbeFor: 200 * time.Millisecond, Searches: 1, FreshWrites: 5,
		Warm: 100 * time.Millisecond, SameAPIs: true, Products: 50, Objective: 50 * time.Millisecond,
		Slices: []int{1, 2}, SliceCores: .1, SliceFor: 300 * time.Millisecond,
		Sale: measure.SaleSize{Toys: 20, Buyers: 50, Orders: 200}, SaleFor: 200 * time.Millisecond,
		Watched: 1, UnwatchedFor: 300 * time.Millisecond, WatchedFor: time.Second,
		NodePairs: 1, NodeConns: 8, NodesFor: 300 * time.Millisecond,
	},
}

// mostConns returns the highest of the levels.
func (p Profile) mostConns() int { return p.Levels[len(p.Levels)-1] }

// ProfileNamed returns one of Profiles.
func ProfileNamed(name string) (Profile, error) {
	profile, ok := Profiles[name]
	if !ok {
		return profile, fmt.Errorf("--profile is %q: say quick, full or smoke", name)
	}
	return profile, nil
}
