package report

import (
	"fmt"

	"github.com/woodytoys/woodytoys/benchmarks/report/capacity"
	"github.com/woodytoys/woodytoys/benchmarks/report/figures"
	"github.com/woodytoys/woodytoys/benchmarks/stage"
)

// enough is how many of one server's uncached reads the three nodes are to serve, on the processors of one machine.
const enough = .7

// nodesView is the chapter on the database's nodes.
type nodesView struct {
	How              string
	Says             []string
	Table            table
	Predicted, Study table
}

// nodes returns the chapter; without a table where both sides were not measured.
func (b *builder) nodes() (v nodesView) {
	for _, name := range b.having(figures.NodesGroup) {
		reads, ok := b.nodeRatio(name, figures.NodeReads, figures.Key.Rate)
		if !ok {
			continue
		}
		v.How = fmt.Sprintf("The same replicas without a cache before one database server, and before the three nodes "+
			"with their proxy, all on this machine, in %s of rounds: reads of products and new ones in a closed loop. "+
			"A commit is on the disk of every database that has it. A ratio is of pairs, with the interval "+
			"that holds the true one with 95%%.", plural(len(reads.Rounds), "pair"))
		v.Says = b.nodesSay(name, reads)
		v.Table, v.Predicted, v.Study = b.nodesTable(name), b.nodesPredicted(name), b.nodesStudy()
	}
	return v
}

// nodeRatio returns how many times the nodes' figure is the one server's.
func (b *builder) nodeRatio(stage, what string, which func(figures.Key) figures.Key) (figures.Ratio, bool) {
	one, _ := b.r.Get(stage, which(figures.Nodes(figures.OneServer, what)))
	three, _ := b.r.Get(stage, which(figures.Nodes(figures.ThreeNodes, what)))
	return figures.RatioOf(one, three)
}

func together(k figures.Key) figures.Key { return k.CPU(figures.Together) }

// nodesSay returns what the chapter comes to, in sentences.
func (b *builder) nodesSay(stage string, reads figures.Ratio) (says []string) {
	verdict := "at least " + figures.Round(enough) + " was asked for"
	if reads.Times < enough {
		verdict += ", and is missed"
	}
	says = append(says, fmt.Sprintf("Uncached reads: three nodes serve %s of one server's (%s).", times(reads),
		verdict))
	if cpu, ok := b.nodeRatio(stage, figures.NodeReads, together); ok {
		says = append(says, fmt.Sprintf("A read takes %s times the processor time of all components together.",
			times(cpu)))
	}
	latency, ok := b.nodeRatio(stage, figures.NodeAlone, figures.Key.P50)
	cpu, both := b.nodeRatio(stage, figures.NodeWrites, together)
	if ok && both {
		one, _ := b.r.Get(stage, figures.Nodes(figures.OneServer, figures.NodeAlone).P50())
		three, _ := b.r.Get(stage, figures.Nodes(figures.ThreeNodes, figures.NodeAlone).P50())
		says = append(says,
			fmt.Sprintf("The write's price: one client's is acknowledged after %s (p50), with one server "+
				"%s, %s times as long. Among many it takes %s times the processor time.", value(three), value(one),
				times(latency), times(cpu)))
	}
	return says
}

// nodesTable has a line for the rate and the latencies, and for the processor time of each component.
func (b *builder) nodesTable(stage string) (t table) {
	t.Head = []string{"", "reads, one server", "three nodes", "times", "writes, one server", "three nodes", "times"}
	line := func(title string, which func(figures.Key) figures.Key) {
		cells, any := []string{title}, false
		for _, what := range []string{figures.NodeReads, figures.NodeWrites} {
			for _, side := range []string{figures.OneServer, figures.ThreeNodes} {
				f, ok := b.r.Get(stage, which(figures.Nodes(side, what)))
				if f.Unit == "s/1000" {
					f.Unit = "s" // of the thousand
				}
				if any = any || ok && f.Mean > 0; ok && f.Mean > 0 {
					cells = append(cells, withSpread(f))
				} else {
					cells = append(cells, none)
				}
			}
			if ratio, ok := b.nodeRatio(stage, what, which); ok {
				cells = append(cells, times(ratio))
			} else {
				cells = append(cells, none)
			}
		}
		if any {
			t.add(cells...)
		}
	}
	line("answers/s", figures.Key.Rate)
	line("p50", figures.Key.P50)
	line("p99", figures.Key.P99)
	for _, part := range partNames {
		line("processor time for 1,000: "+part, func(k figures.Key) figures.Key { return k.CPU(part) })
	}
	line("together", together)
	return t
}

// databases are the components that have the data.
var databases = []string{"database", "database2", "database3"}

// nodesPredicted returns what databases on machines of their own would carry.
func (b *builder) nodesPredicted(stage string) (t table) {
	t.Head = []string{"requests a second; what is full", "one server", "three nodes", "times"}
	for _, mix := range []struct {
		what  string
		reads float64
	}{{"reads alone", 1}, {"80% reads, 20% writes", mixReads}, {"writes alone", 0}} {
		one, fullOne := b.nodesCarry(stage, figures.OneServer, mix.reads)
		three, fullThree := b.nodesCarry(stage, figures.ThreeNodes, mix.reads)
		if fullOne == "" || fullThree == "" {
			return table{}
		}
		t.add(mix.what, figures.Round(one)+"; "+fullOne, figures.Round(three)+"; "+fullThree, figures.Round(three/one))
	}
	return t
}

// mixReads is the part of the published mix that are reads.
const mixReads = .8

// nodesCarry returns the rate at which the first database is used as planned, and which that is. What a request costs a
// node is its share: of the reads each reading node is asked for half.
func (b *builder) nodesCarry(stage, side string, reads float64) (rate float64, full string) {
	var costs []capacity.Cost
	cores := map[string]float64{}
	for _, name := range databases {
		read, ok := b.r.Mean(stage, figures.Nodes(side, figures.NodeReads).CPU(name))
		write, both := b.r.Mean(stage, figures.Nodes(side, figures.NodeWrites).CPU(name))
		if ok && both {
			costs = append(costs, capacity.Cost{Name: name, Read: read / 1000, Write: write / 1000})
			cores[name] = .6 * 4 // as in the chapter on capacity
		}
	}
	return capacity.Highest(costs, reads, cores)
}

// nodesStudy returns the 80/20 table of the study beside ours.
func (b *builder) nodesStudy() (t table) {
	t.Head = []string{"80% reads, 20% writes, 500 at once", "spread over several", "ours", "published"}
	key := figures.Sustained(500)
	for _, s := range stage.All {
		if _, ok := b.r.Get(s.Name, key.Rate()); !ok {
			continue
		}
		spread := "the API"
		switch {
		case s.Single:
			spread = "nothing"
		case s.Nodes:
			spread = "the API and the database"
		}
		published := studied(s.Name)
		if published == "" {
			published = none
		}
		t.add(s.Name, spread, b.rate(s.Name, key.Rate(), key.Errors()), published)
	}
	return t
}
