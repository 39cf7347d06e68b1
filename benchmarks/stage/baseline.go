package stage

import "fmt"

var baseline = Stage{
	Name:       "baseline",
	Single:     true,
	StackFile:  "stack.yml",
	Colour:     "#858b95",
	DarkColour: "#9ba2ae",
	Changed: func(Limits) string {
		return "One replica of the API behind the proxy, one database, no cache; the page and its files come from " +
			"the front."
	},
	Then: func(l Limits) string {
		return fmt.Sprintf(
			"Three limits are simulated: a heavy call computes for %s in one of the replica's %d slots, the last "+
				"product's query holds one of its %d database connections for %s, and a connection to the front "+
				"carries %s.",
			l.Heavy, l.Slots, l.Connections, l.Last, l.Uplink)
	},
	Published: Published{Page: 16.065, HeavyMiss: 5.029, LastMiss: 15.198},
	Study:     Study{Rate: 1192, Errors: 3.25},
}
