package stage

import "github.com/woodytoys/woodytoys/benchmarks/report/figures"

var database = Stage{
	Name:       "database",
	On:         "redis",
	Redis:      true,
	Nodes:      true,
	StackFile:  "stack-database.yml",
	Colour:     "#6d3fc0",
	DarkColour: "#a98be8",
	Changed: func(Limits) string {
		return "Redis as before, and three nodes of the database instead of one server: one takes the writes, the " +
			"others are read, and any one of them may die."
	},
	Then: func(Limits) string {
		return "On one machine that makes nothing faster: three nodes share the processor that one had, each write " +
			"is carried out three times, and a read waits until its node has what was acknowledged before."
	},
	Gains: []Gain{
		{Key: figures.Sustained(500).Rate(), What: "80% reads, 20% writes, 500 at once", OnlyProcessor: true},
		{Key: figures.Objective, What: "highest rate with p99 in time, no errors", OnlyProcessor: true},
	},
}
