package stage

import "github.com/woodytoys/woodytoys/benchmarks/report/figures"

var redis = Stage{
	Name:       "redis",
	Redis:      true,
	StackFile:  "stack-redis.yml",
	Colour:     "#c9430f",
	DarkColour: "#f08a4f",
	Changed: func(Limits) string {
		return "A cache-aside in Redis that all replicas share, a near cache in each, and writes that invalidate " +
			"both before they are acknowledged."
	},
	Then: func(Limits) string {
		return "The simulated delays are paid by the first caller of an answer, and by nobody while it is kept: a " +
			"hit needs no slot and no database connection."
	},
	Gains: []Gain{
		{Key: figures.Throughput("heavy", 64), What: "heavy, 64 at once",
			Why: "a hit does not wait for a slot, so the simulated computing time went away"},
		{Key: figures.Throughput("last", 64), What: "last product, 64 at once",
			Why: "a hit asks no database, so the simulated query time went away"},
		{Key: figures.FiveHeavy, What: "five heavy calls, different names"},
		{Key: figures.HeavyHit, What: "heavy, asked again",
			Why: "kept, so the simulated computing time is not paid again"},
		{Key: figures.LastHit, What: "last product, asked again",
			Why: "kept, so the simulated query time is not paid again"},
		{Key: figures.Sustained(500).Rate(), What: "80% reads, 20% writes, 500 at once",
			Why: "most reads never reach the database"},
		{Key: figures.Objective, What: "highest rate with p99 in time, no errors"},
	},
	Published: Published{Page: 16.102, HeavyMiss: 5.058, HeavyHit: .021, LastMiss: 15.214, LastHit: .032},
}
