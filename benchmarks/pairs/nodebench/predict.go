package main

import (
	"fmt"

	"github.com/woodytoys/woodytoys/benchmarks/report/capacity"
)

// utilisation is how much of a core's time is planned to be used, as in the report.
const utilisation = .6

// predict prints what the capacity model says of databases on machines of their own, from what a response took of each.
// A request's cost at a node is its share: each of two readers is asked for half of the reads, and all three carry out
// each write.
func (b bench) predict(reads, writes [2]costs) {
	fmt.Fprintf(b.out,
		"\nPredicted: each database on a machine of %d cores like these, used to %.0f%%, as many replicas as "+
			"it\ntakes, nothing kept in a cache (requests a second, and what is full then)\n",
		b.cores, 100*utilisation)
	fmt.Fprintf(b.out, "  %-28s %24s %24s %7s\n", "", "one server", "three nodes", "ratio")
	for _, mix := range []struct {
		what  string
		reads float64
	}{{"reads alone", 1}, {"80% reads, 20% writes", .8}, {"writes alone", 0}} {
		one, fullOne := b.highest(reads[0], writes[0], mix.reads)
		three, fullThree := b.highest(reads[1], writes[1], mix.reads)
		fmt.Fprintf(b.out, "  %-28s %24s %24s %7.2f\n", mix.what, fmt.Sprintf("%.0f (%s)", one, fullOne),
			fmt.Sprintf("%.0f (%s)", three, fullThree), three/one)
	}
}

// highest returns the rate at which the first of the databases is used as planned, and which that is.
func (b bench) highest(reads, writes costs, part float64) (rate float64, full string) {
	var all []capacity.Cost
	cores := map[string]float64{}
	for _, name := range []string{"database", "database2", "database3"} {
		if _, there := reads[name]; there {
			all = append(all, capacity.Cost{Name: name, Read: reads[name] / 1e6, Write: writes[name] / 1e6})
			cores[name] = utilisation * float64(b.cores)
		}
	}
	return capacity.Highest(all, part, cores)
}
