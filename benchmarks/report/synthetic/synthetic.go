// Package synthetic makes up a run whose figures are known, for tests of what is made from runs. No
// figure in it was measured.
package synthetic

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/report/raw"
	shop "github.com/woodytoys/woodytoys/benchmarks/stage"
)

// stage is what a stage's figures are made up from.
type stage struct {
	name              string
	replicas          int
	heavyHit, lastHit float64 // seconds; zero for no cache
	page              float64 // seconds
	mix               float64 // requests a second
	read              float64 // median of a read, ms
	objective         float64 // requests a second at which reads keep the objective
	near, redis       float64 // parts of the answers
}

var stages = []stage{
	{name: "baseline", replicas: 1, page: 1.76, mix: 4200, read: .9, objective: 3600},
	{name: "replicas", replicas: 3, page: 1.77, mix: 4700, read: 1.0, objective: 4100},
	{name: "redis", replicas: 3, heavyHit: .0011, lastHit: .0012, page: 1.76, mix: 11200, read: .5, objective: 16400,
		near: .93, redis: .05},
	{name: "cdn", replicas: 3, heavyHit: .0011, lastHit: .0012, page: .031, mix: 11100, read: .5, objective: 16300,
		near: .93, redis: .05},
}

const (
	heavyDelay = .5
	lastDelay  = 1.5
	slots      = 2
	pool       = 8
	saleToys   = 100
	writes     = 100
)

// Run makes up a quick run; the same for the same seed. Slowdown multiplies the delay of "last": 1 for a run like any
// other.
func Run(seed uint64, slowdown float64) (raw.Run, []raw.Measurement) {
	run, g := generate(seed, slowdown, stages)
	return run, g.made
}

// WithNodes makes up a run with the stage database too, and with pairs in which three nodes serve four fifths of one
// server's uncached reads, and acknowledge a write after four times as long.
func WithNodes(seed uint64) (raw.Run, []raw.Measurement) {
	nodes := stage{name: "database", replicas: 3, heavyHit: .0011, lastHit: .0012, page: 1.76, mix: 5600, read: .5,
		objective: 14000, near: .93, redis: .05}
	run, g := generate(seed, 1, append(slices.Clone(stages), nodes))
	for pair := 1; pair <= 4; pair++ {
		g.repeat = pair
		g.nodes(nodes)
	}
	run.Ended = g.now
	return run, g.made
}

func generate(seed uint64, slowdown float64, stages []stage) (raw.Run, *generator) {
	began := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	g := &generator{random: rand.New(rand.NewPCG(seed, 1)), now: began, slowdown: slowdown}
	run := raw.Run{
		Format: "woodytoys-benchmark-run", Version: raw.Version,
		Command: "go run ./benchmarks run --profile quick", Profile: "quick", Driver: "local", Began: began,
		Settings: raw.Settings{
			HeavyDelayMs: 1000 * heavyDelay, SlowQueryDelayMs: 1000 * lastDelay, UplinkBytes: 3_000_000, Replicas: 3,
			HeavySlots: slots, DBPool: pool, Products: 1000, Repeats: 3, ObjectiveMs: 50,
			SaleToys: saleToys, SaleBuyers: 500, SaleOrders: 10 * saleToys,
		},
		SliceCores: .1,
		Machine:    raw.Machine{CPUs: 2, Model: "made-up processor", Kernel: "6.18.0", MemoryBytes: 8 << 30},
		Versions: map[string]string{"go": "go1.26.8", "woodytoys": "0000000", "mariadb": "10.11", "redis": "7.0",
			"haproxy": "2.6", "varnish": "7.1"},
	}
	for _, s := range stages {
		run.Stages = append(run.Stages, raw.Stage{Name: s.name, Replicas: s.replicas, On: shop.Named(s.name).On})
	}
	for repeat := 1; repeat <= 3; repeat++ {
		for _, s := range stages {
			g.repeat = repeat
			g.stage(s)
		}
	}
	for pair := 1; pair <= 3; pair++ {
		g.repeat = pair
		g.watched(stages[2])
	}
	for repeat := 1; repeat <= 3; repeat++ {
		for _, s := range stages[:3] {
			g.repeat = repeat
			g.sale(s)
		}
	}
	run.Ended = g.now
	return run, g
}

type generator struct {
	random   *rand.Rand
	now      time.Time
	slowdown float64 // factor on the delay of "last"; rates fall with its square root
	repeat   int
	made     []raw.Measurement
}

// about returns a value with a spread of two in a hundred.
func (g *generator) about(v float64) float64 { return v * (1 + .02*g.random.NormFloat64()) }

func (g *generator) add(s stage, m raw.Measurement) {
	m.Seq, m.Stage, m.Repeat, m.Began = len(g.made)+1, s.name, g.repeat, g.now
	if m.TookUs == 0 {
		for _, sample := range m.Samples {
			m.TookUs = max(m.TookUs, sample.AtUs+sample.TookUs)
		}
	}
	g.now = g.now.Add(time.Duration(m.TookUs) * time.Microsecond).Truncate(time.Microsecond)
	g.made = append(g.made, m)
}

func (g *generator) stage(s stage) {
	g.table(s)
	for _, conns := range []int{1, 64} {
		g.hey(s, "ping", conns, min(float64(conns)*2500, 24000))
		g.hey(s, "heavy", conns, g.slowRate(s, conns, heavyDelay, slots, s.heavyHit))
		g.hey(s, "last", conns, g.slowRate(s, conns, lastDelay*g.slowdown, pool, s.lastHit))
	}
	for _, level := range [][2]int{{100, 1000}, {200, 5000}, {500, 10000}, {1000, 15000}} {
		g.load(s, raw.Measurement{Name: "mix", Conns: level[0], Requests: level[1]}, s.mix/math.Sqrt(g.slowdown), 200,
			1)
	}
	g.load(s, raw.Measurement{Name: "sustained", Conns: 500, ForMs: 5000}, s.mix/math.Sqrt(g.slowdown), 200, 1)
	for _, rate := range []float64{1000, 4000} {
		g.load(s, raw.Measurement{Name: "latency", Conns: 128, Rate: rate, ForMs: 200000 / int64(rate)},
			rate, 200, s.read)
	}
	for _, part := range []float64{.5, 1, 1.5, 1.2} {
		took := s.read
		if part > 1 {
			took = 80
		}
		const count = 100
		g.load(s, raw.Measurement{Name: "probe", Conns: 128, Rate: math.Round(s.objective * part), Requests: count,
			ForMs: 50}, s.objective*part, count, took)
	}
	g.fresh(s)
	if g.repeat == 1 && s.replicas > 1 && !shop.Named(s.name).SameAPI &&
		shop.Named(s.name).On == "" {
		for _, n := range []int{1, 2, 3, 4, 6} {
			g.sliced(s, "reads", n, 28)
			g.sliced(s, "mix", n, 40)
		}
	}
}

// sliced is what replicas carry whose requests cost so much, until the machine is full with five of them.
func (g *generator) sliced(s stage, what string, n int, us float64) {
	const count, slice = 200, .1
	rate := slice * float64(min(n, 5)) / us * 1e6
	m := raw.Measurement{Name: "sliced", What: what, Conns: 64, ForMs: 2000, Slices: n,
		TookUs: int64(1e6 * count / rate)}
	for range count {
		m.Samples = append(m.Samples, raw.Sample{TookUs: 1000, Status: 200})
	}
	m.Oracle.Checked = count
	m.Parts = []raw.Part{{Name: "api", CPUUs: int64(us * count)}, {Name: "proxy", CPUUs: 20 * count}}
	if n > 5 {
		m.OthersUs = 2*m.TookUs - m.Parts[0].CPUUs - m.Parts[1].CPUUs
	}
	g.add(s, m)
}

// nodes is a pair of rounds of uncached reads, and of writes.
func (g *generator) nodes(s stage) {
	const count = 400
	for _, load := range []struct {
		what       string
		rate, took float64 // 1/s and ms
		databases  []float64
	}{
		{"one/reads", 10000, 6, []float64{60}}, {"three/reads", 8000, 8, []float64{5, 40, 40}},
		{"one/writes", 5000, 12, []float64{50}}, {"three/writes", 2000, 32, []float64{150, 45, 45}},
		{"one/alone", 1000, 1, []float64{100}}, {"three/alone", 250, 4, []float64{250, 80, 80}},
	} {
		m := raw.Measurement{Name: "nodes", What: load.what, Conns: 64, ForMs: 1500}
		rate := g.about(load.rate)
		for i := range count {
			m.Samples = append(m.Samples, raw.Sample{AtUs: int64(1e6 * float64(i) / rate),
				TookUs: int64(1000 * g.about(load.took)), Status: 200})
		}
		m.TookUs = int64(1e6 * count / rate)
		m.Oracle.Checked = count
		m.Parts = []raw.Part{{Name: "api", CPUUs: int64(g.about(70 * count))}}
		for i, us := range load.databases {
			name := []string{"database", "database2", "database3"}[i]
			m.Parts = append(m.Parts, raw.Part{Name: name, CPUUs: int64(g.about(us * count))})
		}
		if len(load.databases) > 1 {
			m.Parts = append(m.Parts, raw.Part{Name: "database-proxy", CPUUs: int64(g.about(20 * count))})
		}
		g.add(s, m)
	}
}

// sale adds the measurements of a sale, and of its readers before it. With a cache a sold-out product is refused sooner
// than it is sold.
func (g *generator) sale(s stage) {
	const reads = 200
	read := func(m *raw.Measurement, rate float64, kind int) {
		for i := range reads {
			m.Samples = append(m.Samples, raw.Sample{AtUs: int64(1e6 * float64(i) / rate),
				TookUs: int64(1000 * g.about(s.read)), Status: 200, Kind: kind})
		}
		m.Oracle.Checked += reads
	}
	before := raw.Measurement{Name: "sale", What: "before", Conns: 16, ForMs: 500}
	read(&before, g.about(s.mix), 0)
	g.add(s, before)
	during := raw.Measurement{Name: "sale", What: "during", Conns: 500, Requests: 10 * saleToys}
	refused := 20 - 15*boolean(s.near > 0)
	for i := range 10 * saleToys {
		sample := raw.Sample{AtUs: int64(i) * 200, TookUs: int64(1000 * g.about(20)), Status: 202}
		if i >= saleToys {
			sample.TookUs, sample.Status = int64(1000*g.about(refused)), 409
		}
		during.Samples = append(during.Samples, sample)
	}
	during.Oracle.Checked = 10 * saleToys
	rate := g.about(.7 * s.mix)
	read(&during, rate, 1)
	during.Counts = map[string]float64{"toys": saleToys, "sold": saleToys, "reads_us": 1e6 * reads / rate}
	g.add(s, during)
}

// watched is a pair of rounds: who watches takes a twentieth of a core, and makes the API a tenth more expensive.
func (g *generator) watched(s stage) {
	const count, rate = 400, 5000
	for _, what := range []string{"without", "with"} {
		m := raw.Measurement{Name: "watched", What: what, Conns: 128, Rate: rate, ForMs: 1000 * count / rate,
			TookUs: 1e6 * count / rate}
		for i := range count {
			m.Samples = append(m.Samples, raw.Sample{AtUs: int64(1e6 * i / rate), TookUs: int64(1000 * g.about(1)),
				Status: 200, Kind: boolInt(i%5 == 0)})
		}
		m.Oracle.Checked = count
		more := boolean(what == "with")
		m.Parts = []raw.Part{{Name: "database", CPUUs: int64(g.about(30 * count)), MemoryBytes: 180e6},
			{Name: "redis", CPUUs: int64(g.about(8 * count)), MemoryBytes: 12e6},
			{Name: "api", CPUUs: int64(g.about((60 + 6*more) * count)), MemoryBytes: 120e6},
			{Name: "front", MemoryBytes: 50e6},
			{Name: "proxy", CPUUs: int64(g.about(50 * count)), MemoryBytes: 60e6}}
		if what == "with" {
			m.Counts = map[string]float64{"targets_up": 9, "targets_down": 0}
			for _, w := range []raw.Part{{Name: "node-exporter", CPUUs: 200, MemoryBytes: 18e6},
				{Name: "observer", CPUUs: 1800, MemoryBytes: 22e6},
				{Name: "prometheus", CPUUs: 2000, MemoryBytes: 90e6}} {
				w.CPUUs, w.Watcher = int64(g.about(float64(w.CPUUs))), true
				m.Parts = append(m.Parts, w)
			}
		}
		g.add(s, m)
	}
}

func (g *generator) table(s stage) {
	one := func(what string, seconds float64, counts map[string]float64) {
		g.add(s, raw.Measurement{
			Name: "table", What: what, Conns: 1, Oracle: raw.Oracle{Checked: 1}, Counts: counts,
			Samples: []raw.Sample{{TookUs: int64(1e6 * g.about(seconds)), Status: 200}},
		})
	}
	bytes := map[string]float64{"bytes_origin": 5_080_000, "bytes_edge": 0, "files": 24}
	if shop.Named(s.name).Edge {
		bytes = map[string]float64{"bytes_origin": 19_000, "bytes_edge": 5_061_000, "files": 24}
	}
	one("page", s.page, bytes)
	one("page_browser", s.page+.25, nil)
	one("heavy_miss", heavyDelay+.003, nil)
	one("heavy_hit", max(s.heavyHit, boolean(s.heavyHit == 0)*(heavyDelay+.002)), nil)
	one("last_miss", lastDelay*g.slowdown+.004, nil)
	one("last_hit", max(s.lastHit, boolean(s.lastHit == 0)*(lastDelay*g.slowdown+.003)), nil)
	one("five_heavy", heavyDelay*math.Ceil(5/float64(slots*s.replicas))+.004, nil)
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// slowRate returns what calls come to that wait for one of size places of each replica, or for a cache.
func (g *generator) slowRate(s stage, conns int, delay float64, size int, hit float64) float64 {
	if hit > 0 {
		return min(float64(conns)/hit, 21000)
	}
	return float64(min(conns, size*s.replicas)) / delay
}

func (g *generator) hey(s stage, what string, conns int, rate float64) {
	rate = g.about(rate)
	took := max(1, float64(conns)/rate)
	g.add(s, raw.Measurement{
		Name: "throughput", What: what, Conns: conns, ForMs: 1000, TookUs: int64(1e6 * took),
		Hey: fmt.Appendf(nil, "\nSummary:\n  Total:\t%.4f secs\n  Requests/sec:\t%.4f\n\nStatus code distribution:\n"+
			"  [200]\t%d responses\n", took, rate, int(rate*took)),
	})
}

// load adds count requests at a rate, whose median takes a time in milliseconds; their tail is long.
func (g *generator) load(s stage, m raw.Measurement, rate float64, count int, median float64) {
	rate = g.about(rate)
	if m.Rate > 0 {
		rate = m.Rate
	}
	for i := range count {
		m.Samples = append(m.Samples, raw.Sample{
			AtUs: int64(1e6 * float64(i) / rate), TookUs: int64(1000 * median * math.Exp(.6*g.random.NormFloat64())),
			Status: 200, Kind: boolInt(i%5 == 0),
		})
	}
	m.TookUs = int64(1e6 * float64(count) / rate)
	m.Oracle.Checked = count
	if m.Name == "latency" || m.Name == "probe" {
		more := 1 + .5*boolean(m.Name == "latency") // where the processors are not busy a read takes more
		perRead := func(us float64) int64 { return int64(more * us * float64(count)) }
		m.Parts = []raw.Part{{Name: "proxy", CPUUs: perRead(30)}, {Name: "api", CPUUs: perRead(28)},
			{Name: "database", CPUUs: perRead(90 * (1 - s.near))}, {Name: "front"}}
		if s.near > 0 {
			m.Parts = append(m.Parts, raw.Part{Name: "redis", CPUUs: perRead(2)})
		}
		if shop.Named(s.name).Edge {
			m.Parts = append(m.Parts, raw.Part{Name: "edge"})
		}
	}
	if m.Name == "sustained" {
		perCall := func(us float64) int64 { return int64(g.about(us * float64(count))) }
		m.GeneratorUs = perCall(28)
		m.Parts = []raw.Part{{Name: "proxy", CPUUs: perCall(32), MemoryBytes: 60e6},
			{Name: "api", CPUUs: perCall(40), MemoryBytes: int64(s.replicas) * 40e6},
			{Name: "database", CPUUs: perCall(120 - 80*s.near), MemoryBytes: 180e6}, {Name: "front", MemoryBytes: 50e6}}
		m.Counts = map[string]float64{"queries": float64(count) * (1.4 - s.near)}
		m.Layers = map[string]int{"bypass": count}
		if s.near > 0 {
			m.Parts = append(m.Parts, raw.Part{Name: "redis", CPUUs: perCall(14), MemoryBytes: 12e6})
			m.Layers = map[string]int{"near": int(s.near * 160), "redis": int(s.redis * 160),
				"origin": 160 - int(s.near*160) - int(s.redis*160), "write": 40}
		}
		if shop.Named(s.name).Edge {
			m.Parts = append(m.Parts, raw.Part{Name: "edge", MemoryBytes: 90e6})
		}
		m.Replicas = map[string]int{}
		for i := range s.replicas {
			m.Replicas[fmt.Sprintf("%s-%d", s.name, i+1)] = count/s.replicas + i
		}
	}
	g.add(s, m)
}

func boolInt(b bool) int { return int(boolean(b)) }

func (g *generator) fresh(s stage) {
	m := raw.Measurement{Name: "fresh", Oracle: raw.Oracle{Checked: writes * s.replicas}}
	for i := range 20 {
		acknowledged := int64(1000 * g.about(2.1) * math.Exp(.2*g.random.NormFloat64()))
		m.Samples = append(m.Samples,
			raw.Sample{AtUs: int64(i) * 20000, TookUs: acknowledged, Status: 200},
			raw.Sample{AtUs: int64(i) * 20000, TookUs: acknowledged + int64(1000*g.about(.8)), Status: 200, Kind: 1})
	}
	m.Samples = slices.Repeat(m.Samples, writes/20)
	g.add(s, m)
}
