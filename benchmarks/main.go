// Command benchmarks measures the stages of the shop, reports what it measured, and compares two runs.
//
//	go run ./benchmarks run
//	go run ./benchmarks report DIR
//	go run ./benchmarks compare OLD NEW
//	go run ./benchmarks capacity RESULTS --rate 28000 --reads 0.8
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/alecthomas/kong"
)

type commands struct {
	Run      runCommand      `cmd:"" help:"Measure the stages (or something that is deployed) and write the report."`
	Report   reportCommand   `cmd:"" help:"Make the report of a run anew, from its raw material."`
	Compare  compareCommand  `cmd:"" help:"Compare two runs; exit 1 when the newer one is invalid or worse, 2 when nobody can tell."`
	Capacity capacityCommand `cmd:"" help:"Say what a load needs, from what requests were measured to cost."`
	Readme   readmeCommand   `cmd:"" help:"Write the summary of a committed run into the README."`
}

func main() {
	var c commands
	k := kong.Parse(&c, kong.Name("benchmarks"), runHelp,
		kong.Description("Measures what each stage of the shop buys. The folder of a run has its raw samples, "+
			"results.json, report.html, summary.md and figures.csv."))
	if err := k.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "benchmarks:", err)
		if errors.Is(err, errCannotTell) {
			os.Exit(2)
		}
		os.Exit(1)
	}
}
