package stage

import (
	"fmt"

	"github.com/woodytoys/woodytoys/benchmarks/report/figures"
)

var cdn = Stage{
	Name:       "cdn",
	Redis:      true,
	Edge:       true,
	SameAPI:    true,
	StackFile:  "stack-cdn.yml",
	Colour:     "#16803f",
	DarkColour: "#4fc27d",
	Changed:    func(Limits) string { return "The page's files come from an edge cache; the API is as before." },
	Then: func(l Limits) string {
		return fmt.Sprintf(
			"The front's simulated uplink of %s is no longer in the way of the picture: the edge has it and sends "+
				"it without that limit.", l.Uplink)
	},
	Gains: []Gain{
		{Key: figures.Page, What: "whole page with its picture", Why: "the simulated uplink is no longer in the way"},
		{Key: figures.PageInBrowser, What: "the same in Chromium", Why: "the simulated uplink is no longer in the way"},
	},
	Published: Published{Page: .030, HeavyMiss: 5.058, HeavyHit: .021, LastMiss: 15.214, LastHit: .032},
}
