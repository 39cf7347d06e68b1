package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"text/tabwriter"

	"github.com/woodytoys/woodytoys/benchmarks/report/figures"
)

type compareCommand struct {
	Old       string  `arg:"" help:"The older run: its folder, or its results.json."`
	New       string  `arg:"" help:"The newer run."`
	Threshold float64 `default:"10" help:"By how many percent a figure may be worse, beyond the noise."`
	All       bool    `help:"Print every figure, not only those that moved beyond the noise."`
}

// Help returns what is shown below the usage.
func (c *compareCommand) Help() string {
	return "The exit status is 1 when the newer run is worse in a figure that matters, or when one of the two cannot " +
		"be compared; errors where there were none are worse, however few. It is 2 when nothing is, but a figure " +
		"that matters is worse by more than the threshold within its noise, so that nobody can tell: measure again, " +
		"with more --repeats."
}

// errCannotTell is a comparison in which a figure is worse, perhaps by chance.
var errCannotTell = errors.New("cannot tell whether it is worse")

// Run prints what differs, and fails when the newer run is worse, when nobody can tell, or when it is none to be
// compared.
func (c *compareCommand) Run() error {
	older, err := figures.Load(c.Old)
	if err != nil {
		return err
	}
	newer, err := figures.Load(c.New)
	if err != nil {
		return err
	}
	comparison := figures.Compare(older, newer, c.Threshold/100)
	c.print(os.Stdout, comparison)
	if n := len(comparison.Failures); n > 0 {
		return fmt.Errorf("worse by more than %g%%, beyond the noise, or gone, invalid or not at its end: %d",
			c.Threshold, n)
	}
	if n := len(comparison.CannotTell); n > 0 {
		return fmt.Errorf("%w: worse by more than %g%%, within the noise: %d", errCannotTell, c.Threshold, n)
	}
	return nil
}

func (c *compareCommand) print(out io.Writer, comparison figures.Comparison) {
	for _, condition := range comparison.Conditions {
		fmt.Fprintf(out, "not the same: %s\n", condition)
	}
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprint(w, "\nstage\tfigure\told\tnew\tchange\tnoise\t\n")
	quiet := 0
	for _, d := range comparison.Differences {
		if !c.All && (d.Mark == figures.Same || d.Mark == figures.Unjudged) {
			quiet++
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t%s %s\t%s\t%s\t%s\t%s\n", d.Stage, d.Name, figures.Words(d.Old), d.Unit,
			figures.Words(d.New), signed(d.Change), part(d.Noise), d.Mark)
	}
	w.Flush()
	if quiet > 0 {
		fmt.Fprintf(out, "\n%d figures are within the noise, or were measured once and cannot be judged (--all shows "+
			"them).\n", quiet)
	}
	for _, name := range comparison.Gone {
		fmt.Fprintf(out, "only in the older run: %s\n", name)
	}
	if n := comparison.TooNoisy; n > 0 {
		fmt.Fprintf(out, "%d of the figures that matter are within a noise of more than %g%%: a change of so much "+
			"would not be seen in them.\n", n, c.Threshold)
	}
	for _, figure := range comparison.CannotTell {
		fmt.Fprintf(out, "CANNOT TELL: %s\n", figure)
	}
	for _, failure := range comparison.Failures {
		fmt.Fprintf(out, "FAILS: %s\n", failure)
	}
}

func signed(change float64) string {
	if math.IsInf(change, 0) || math.IsNaN(change) {
		return "from 0"
	}
	return fmt.Sprintf("%+.1f%%", 100*change)
}

func part(noise float64) string {
	if math.IsInf(noise, 0) || math.IsNaN(noise) {
		return "?"
	}
	return fmt.Sprintf("±%.1f%%", 100*noise)
}
