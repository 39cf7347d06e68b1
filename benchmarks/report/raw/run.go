// Package raw is what a run writes down while it measures: run.json is what was run, and on what;
// measurements.jsonl has a line for each measurement, written when it has ended; samples/ has a
// request a line. Everything that is reported later is made from these. FORMAT.md describes them for
// readers in other languages.
package raw

import (
	"fmt"
	"time"
)

// Version is this format's. It is raised when something that was there means something else.
const Version = 1

// format is the first word of run.json.
const format = "woodytoys-benchmark-run"

// Run is what was run, and on what.
type Run struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
	// Command is what would do the same again.
	Command string `json:"command"`
	// Profile is quick, full, or another that the command line made of them.
	Profile string `json:"profile"`
	// Driver is local (processes), swarm (the stack files) or target (something deployed).
	Driver string    `json:"driver"`
	Target string    `json:"target,omitempty"`
	Began  time.Time `json:"began"`
	// Ended is zero while the run goes on, and of one that was killed.
	Ended    time.Time `json:"ended"`
	Settings Settings  `json:"settings"`
	// Machine is what was measured ran on; zero for a target, of which that is not known: Generator is then what the
	// load was made on. In runs of before it was recorded by itself, it is Machine.
	Machine   Machine `json:"machine"`
	Generator Machine `json:"generator,omitzero"`
	// Versions are the versions of what was measured and of what measured it: woodytoys, front (where it is another's),
	// go, mariadb and the like, and of a target generator, the revision of this program.
	Versions map[string]string `json:"versions"`
	Stages   []Stage           `json:"stages"`
	// Unsliced is why the replicas were not measured with slices of processor time; empty where they were, or were not
	// to be.
	Unsliced string `json:"unsliced,omitempty"`
	// SliceCores is the slice that each replica had, of a core.
	SliceCores float64 `json:"slice_cores,omitempty"`
	// Unwatched is why it was not measured what being watched costs; empty where it was, or was not to be.
	Unwatched string `json:"unwatched,omitempty"`
	// Stopped is why the run ended before its end; empty when it did not.
	Stopped string `json:"stopped,omitempty"`
}

// Broken returns in what way the run did not come to its end, to be written behind its name; empty when it did.
func (r Run) Broken() string {
	switch {
	case r.Stopped != "":
		return "ended before its end: " + r.Stopped
	case r.Ended.IsZero():
		return "has no end: it was killed, or it still goes on"
	}
	return ""
}

// Settings are the simulated limits and the sizes that a run was made with. A comparison of two runs
// names those that differ.
type Settings struct {
	HeavyDelayMs     int64 `json:"heavy_delay_ms"`
	SlowQueryDelayMs int64 `json:"slow_query_delay_ms"`
	// UplinkBytes is what a connection to the front gets in a second; zero for no limit.
	UplinkBytes int64 `json:"uplink_bytes_per_s"`
	Replicas    int   `json:"replicas"`
	HeavySlots  int   `json:"heavy_slots_per_replica"`
	DBPool      int   `json:"db_connections_per_replica"`
	Products    int   `json:"products"`
	Repeats     int   `json:"repeats"`
	ObjectiveMs int64 `json:"objective_p99_ms"`
	// A sale's size: toys, buyers at once, orders; zero for no sale.
	SaleToys   int `json:"sale_toys,omitzero"`
	SaleBuyers int `json:"sale_buyers,omitzero"`
	SaleOrders int `json:"sale_orders,omitzero"`
}

// Machine is what it ran on.
type Machine struct {
	CPUs        int    `json:"cpus"`
	Model       string `json:"model"`
	Kernel      string `json:"kernel"`
	MemoryBytes int64  `json:"memory_bytes"`
}

// Stage is one configuration of the shop.
type Stage struct {
	Name     string `json:"name"`
	Replicas int    `json:"replicas,omitempty"`
	// On is the stage that it is added to; empty for one that stands in the row of the others.
	On string `json:"on,omitempty"`
	// Missing is why it was not measured; empty when it was.
	Missing string `json:"missing,omitempty"`
}

// Measurement is one thing that was measured once.
type Measurement struct {
	Seq    int    `json:"seq"`
	Stage  string `json:"stage"`
	Repeat int    `json:"repeat"`
	// Name is which: table, throughput, mix, sustained, latency, probe, fresh, verify, sliced, watched,
	// nodes.
	Name string `json:"name"`
	// What is which of those of that name: heavy_miss of the table, an endpoint of throughput, with or without for
	// watched, one/reads for nodes.
	What  string    `json:"what,omitempty"`
	Began time.Time `json:"began"`
	// TookUs is from the first request to the last answer.
	TookUs int64 `json:"took_us"`

	// SideBySide reports that others were measured at the same time, which waited too: then what the components
	// used is theirs as well.
	SideBySide bool `json:"side_by_side,omitempty"`

	// Conns, Requests, ForMs and Rate are what was asked for.
	Conns    int     `json:"conns,omitempty"`
	Requests int     `json:"requests,omitempty"`
	ForMs    int64   `json:"for_ms,omitempty"`
	Rate     float64 `json:"rate,omitempty"`

	// Samples are its requests, when they are few; SamplesFile has them when they are many.
	Samples     []Sample `json:"samples,omitempty"`
	SamplesFile string   `json:"samples_file,omitempty"`
	// HeyFile has what hey printed; Read puts it into Hey.
	HeyFile string `json:"hey_file,omitempty"`
	Hey     []byte `json:"-"`
	// Failure is the last reason for which a connection failed.
	Failure string `json:"failure,omitempty"`

	Oracle Oracle `json:"oracle"`
	// Layers is how many answers each layer gave, by Cache-Status; Replicas how many each replica gave,
	// by X-Served-By.
	Layers   map[string]int `json:"layers,omitempty"`
	Replicas map[string]int `json:"replicas,omitempty"`
	// Slices is how many replicas there were, each in a slice of processor time, of what was measured so.
	Slices int `json:"slices,omitempty"`
	// Parts is what each component used meanwhile.
	Parts []Part `json:"parts,omitempty"`
	// Unparted is why it is not known what the components used, though it should be.
	Unparted string `json:"unparted,omitempty"`
	// GeneratorUs is the processor time that making the load took.
	GeneratorUs int64 `json:"generator_cpu_us,omitempty"`
	// OthersUs is what everything else on the machine used meanwhile.
	OthersUs int64 `json:"others_cpu_us,omitempty"`
	// Counts are other counts: queries, bytes_origin, bytes_edge, files, targets_up, targets_down.
	Counts map[string]float64 `json:"counts,omitempty"`
}

// Title returns what was measured, in words.
func (m Measurement) Title() string {
	title := m.Name
	if m.What != "" {
		title += " " + m.What
	}
	if m.Requests > 0 {
		title += fmt.Sprintf(", %d requests", m.Requests)
	}
	if m.Rate > 0 {
		title += fmt.Sprintf(" at %.0f/s", m.Rate)
	} else if m.Conns > 1 {
		title += fmt.Sprintf(" by %d", m.Conns)
	}
	return title
}

// Part is a component: all its processes together.
type Part struct {
	Name        string `json:"name"`
	CPUUs       int64  `json:"cpu_us"`
	MemoryBytes int64  `json:"memory_bytes"`
	// Watcher marks a component that watches the stage, and is no part of it.
	Watcher bool `json:"watcher,omitempty"`
}

// Oracle is how many answers were checked against what had been acknowledged, and what came of it.
type Oracle struct {
	Checked int `json:"checked"`
	Stale   int `json:"stale"`
	Wrong   int `json:"wrong"`
	// Examples are some of the stale and wrong ones, in words.
	Examples []string `json:"examples,omitempty"`
	// ChangesDue is how many changes of what was read were to be made meanwhile, without which no answer could be
	// stale, and Changed how many of them were acknowledged. Both are zero where none was to be made, and in runs of
	// before they were counted.
	ChangesDue int `json:"changes_due,omitempty"`
	Changed    int `json:"changed,omitempty"`
}

// Add adds another's counts, and its examples while there are few.
func (o *Oracle) Add(other Oracle) {
	o.Checked += other.Checked
	o.Stale += other.Stale
	o.Wrong += other.Wrong
	o.ChangesDue += other.ChangesDue
	o.Changed += other.Changed
	o.Examples = append(o.Examples,
		other.Examples[:min(len(other.Examples), maxExamples-min(maxExamples, len(o.Examples)))]...)
}

const maxExamples = 5

// Count adds to a count.
func (m *Measurement) Count(name string, n float64) {
	if m.Counts == nil {
		m.Counts = map[string]float64{}
	}
	m.Counts[name] = n
}
