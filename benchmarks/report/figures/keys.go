package figures

import (
	"fmt"
	"strconv"
	"strings"
)

// Key is the name of a figure: its group, what it is of, and which. It stands in results.json.
type Key string

// What one client waits for, the lab's table: seconds.
const (
	Page          Key = "table/page"
	PageFirst     Key = "table/page_first"
	PageInBrowser Key = "table/page_browser"
	HeavyMiss     Key = "table/heavy_miss"
	HeavyHit      Key = "table/heavy_hit"
	LastMiss      Key = "table/last_miss"
	LastHit       Key = "table/last_hit"
	FiveHeavy     Key = "table/five_heavy"

	// What the page's bytes come from.
	PageFromOrigin Key = "table/page/bytes_origin"
	PageFromEdge   Key = "table/page/bytes_edge"
)

// The writes' way to every replica, and the highest rate that holds the objective.
const (
	FreshAcknowledgedP50 Key = "fresh/acknowledged/p50"
	FreshEverywhereP50   Key = "fresh/everywhere/p50"
	FreshEverywhereP99   Key = "fresh/everywhere/p99"
	FreshErrors          Key = "fresh/errors"
	Objective            Key = "objective/rate"
)

// Where the work of the sustained mix went.
const (
	Generator      Key = "cost/generator"
	GeneratorShare Key = "cost/generator_share"
	Queries        Key = "cost/queries"
)

// Group is the first words of keys that have numbers or names behind them.
type Group string

// The groups.
const (
	TableGroup      Group = "table"
	ThroughputGroup Group = "throughput"
	MixGroup        Group = "mix"
	SustainedGroup  Group = "sustained"
	LatencyGroup    Group = "latency"
	ObjectiveGroup  Group = "objective"
	CPUGroup        Group = "cost/cpu"
	ReadCPUGroup    Group = "cost/read_cpu"
	BusyReadsGroup  Group = "cost/busy_read_cpu"
	MemoryGroup     Group = "cost/memory"
	LayerGroup      Group = "cost/layer"
	ReplicaGroup    Group = "cost/replica"
	SlicedGroup     Group = "sliced"
	WatchedGroup    Group = "watched"
	WatcherGroup    Group = "watcher"
	NodesGroup      Group = "nodes"
	SaleGroup       Group = "sale"
)

// Of returns the key of a part of a group: a component, a layer, a replica, a row of the table.
func (g Group) Of(part string) Key { return Key(string(g) + "/" + part) }

// At returns the key of a group's load of a size, by which Rate, P99 and the like are found.
func (g Group) At(size float64) Key { return g.Of(strconv.FormatFloat(size, 'f', -1, 64)) }

// Has reports whether a key is of the group, and what it is of.
func (g Group) Has(k Key) (of string, has bool) { return strings.CutPrefix(string(k), string(g)+"/") }

// Throughput returns what hey measured of a call: answers a second. Its Errors are beside it.
func Throughput(what string, conns int) Key {
	return ThroughputGroup.Of(fmt.Sprintf("%s/%d", what, conns))
}

// Sustained returns the 80/20 mix over a time, by which Rate, P99 and the like are found.
func Sustained(conns int) Key { return SustainedGroup.At(float64(conns)) }

// Sliced returns what so many replicas carried in slices of processor time, of reads or of the mix, by which Rate, CPU
// and the like are found; how much of the slices was used is beside it, and of the whole machine.
func Sliced(what string, replicas int) Key {
	return SlicedGroup.Of(fmt.Sprintf("%s/%d", what, replicas))
}

// The sides on which the mix was measured to see what being watched costs.
const (
	Without = "without"
	With    = "with"
)

// Watched returns the mix on one of the two sides, by which Rate, P99, CPU and the like are found.
func Watched(side string) Key { return WatchedGroup.Of(side) }

// Watcher returns one of those who watch, by which Used and Memory are found.
func Watcher(name string) Key { return WatcherGroup.Of(name) }

// What is compared of the database, and on which sides: uncached reads and writes by many, and writes by one client
// alone, with one server and with the three nodes.
const (
	OneServer  = "one"
	ThreeNodes = "three"
	NodeReads  = "reads"
	NodeWrites = "writes"
	NodeAlone  = "alone"
)

// Nodes returns one side's reads or writes, by which Rate, P50, CPU and the like are found.
func Nodes(side, what string) Key { return NodesGroup.Of(side + "/" + what) }

// What is measured of a sale: reads of its product before it and during it, and the orders.
const (
	Before = "before"
	During = "during"
)

// SaleReads returns the reads of a sale's product before it or during it, by which Rate and P99 are found.
func SaleReads(when string) Key { return SaleGroup.Of("reads").Of(when) }

// A sale's orders: those that were taken, by which Rate (until the last one), P50 and P99 are found, and those that
// were refused since nothing was left.
const (
	SaleTaken   Key = "sale/taken"
	SaleRefused Key = "sale/refused"
	SaleOrders  Key = "sale/orders"
)

// CutOff is the name of a measurement during which the run ended, that is kept for what the oracle found in it. It has
// no figures.
const CutOff = "cut_off"

// Together stands for all components of a load, or all who watch.
const Together = "together"

// GeneratorName stands for who makes a load, beside the components.
const GeneratorName = "generator"

// CPU returns the processor time that 1,000 requests of a load took of a component.
func (k Key) CPU(part string) Key { return k.Of("cpu").Of(part) }

// Memory returns the memory that is held.
func (k Key) Memory() Key { return k.Of("memory") }

// Used returns how many percents of its processor time a load's component used.
func (k Key) Used() Key { return k.Of("used") }

// Machine returns how many percents of the machine's processor time were used meanwhile, by whatever it was.
func (k Key) Machine() Key { return k.Of("machine") }

// Of returns a figure beside the others of a load.
func (k Key) Of(which string) Key { return k + "/" + Key(which) }

// Rate returns the key of a load's rate of responses, in 1/s.
func (k Key) Rate() Key { return k.Of("rate") }

// Errors returns the percents of a load's answers that were none.
func (k Key) Errors() Key { return k.Of("errors") }

// Sent returns how many requests a second an open loop sent.
func (k Key) Sent() Key { return k.Of("sent") }

// P50 and P99 are a load's latencies.
func (k Key) P50() Key { return k.Of("p50") }

// P99 is like P50, for 99 of 100.
func (k Key) P99() Key { return k.Of("p99") }
