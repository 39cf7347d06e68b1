package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"text/tabwriter"

	"github.com/woodytoys/woodytoys/benchmarks/report/capacity"
	"github.com/woodytoys/woodytoys/benchmarks/report/figures"
)

type capacityCommand struct {
	Results     string  `arg:"" help:"The run: its folder, or its results.json."`
	Stage       string  `default:"redis" help:"The stage whose costs are taken."`
	Rate        float64 `default:"28000" help:"How many requests a second."`
	Reads       float64 `default:"0.8" help:"The part of them that only read products, from 0 to 1."`
	Utilisation float64 `default:"0.6" help:"How much of a core's time is planned to be used, up to 1."`
	Cores       int     `default:"4" help:"How many cores a machine has."`
}

// Help returns what is shown below the usage.
func (c *capacityCommand) Help() string {
	return "What a load needs, from the processor time that requests were measured to cost each component where the " +
		"processors were busy. It holds for machines like the one that was measured, and leaves out what the network " +
		"and the disks take."
}

// Run prints the plan.
func (c *capacityCommand) Run() error {
	load := capacity.Load{Rate: c.Rate, Reads: c.Reads, Utilisation: c.Utilisation, Cores: c.Cores}
	if err := load.Check(); err != nil {
		return err
	}
	r, err := figures.Load(c.Results)
	if err != nil {
		return err
	}
	costs, err := capacity.CostsOf(r, c.Stage)
	if err != nil {
		return err
	}
	printPlan(os.Stdout, capacity.PlanFor(costs, load))
	if !capacity.Busy(r, c.Stage) {
		fmt.Println("\n" + capacity.NotBusy)
	}
	return nil
}

func printPlan(out io.Writer, p capacity.Plan) {
	fmt.Fprintf(out, "%s requests a second, %.0f%% of them reads, on machines of %d cores, used to %.0f%%:\n\n",
		figures.Round(p.Rate), 100*p.Reads, p.Load.Cores, 100*p.Utilisation)
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "component\tread\twrite\tcores\tmachines\tmemory\t")
	for _, n := range p.Needs {
		machines := fmt.Sprint(n.Machines)
		switch {
		case n.Machines == 0:
			machines = "too much for one"
		case n.Shares():
			machines += ", one to spare"
		}
		fmt.Fprintf(w, "%s\t%s us\t%s us\t%s\t%s\t%s MB\t\n",
			n.Name, figures.Round(1e6*n.Read), figures.Round(1e6*n.Write),
			figures.Round(n.Cores), machines, figures.Round(n.MemoryMB))
	}
	w.Flush()
	if p.Limit != nil && !math.IsInf(p.Limit.Most, 1) {
		fmt.Fprintf(out, "\nThe limit behind that: the %s, which is one process on one machine, is used to %.0f%% at "+
			"%s requests a second.\n",
			p.Limit.Name, 100*p.Utilisation, figures.Round(p.Limit.Most))
	}
}
