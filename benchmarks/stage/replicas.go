package stage

import (
	"fmt"

	"github.com/woodytoys/woodytoys/benchmarks/report/figures"
)

var replicas = Stage{
	Name:       "replicas",
	StackFile:  "stack.yml",
	Colour:     "#2867b2",
	DarkColour: "#6aa8ee",
	Changed: func(l Limits) string {
		return fmt.Sprintf("The same, with %d replicas of the API behind the proxy.", l.Replicas)
	},
	Then: func(Limits) string {
		return "More replicas have more slots and more database connections, so more callers are served at once. One " +
			"caller alone waits as long as before."
	},
	Gains: []Gain{
		{Key: figures.Throughput("heavy", 64), What: "heavy, 64 at once", OnlyProcessor: true,
			Why: "as many slots as there are replicas times the slots of each"},
		{Key: figures.Throughput("last", 64), What: "last product, 64 at once", OnlyProcessor: true,
			Why: "each replica brings its own database connections"},
		{Key: figures.FiveHeavy, What: "five heavy calls, different names",
			Why: "they no longer queue for one replica's slots"},
		{Key: figures.Sustained(500).Rate(), What: "80% reads, 20% writes, 500 at once", OnlyProcessor: true},
		{Key: figures.Objective, What: "highest rate with p99 in time, no errors", OnlyProcessor: true},
	},
	Published: Published{Page: 16.093, HeavyMiss: 5.040, LastMiss: 15.169},
	Study:     Study{Rate: 1994, Errors: .05},
}
