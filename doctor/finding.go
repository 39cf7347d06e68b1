package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
)

// finding is something that is wrong. About is its section in docs/runbook.md; with What it says which finding it is.
type finding struct {
	About string `json:"about"`
	What  string `json:"what"`
	Says  string `json:"says"`
	Do    string `json:"do"`
}

// findings are the findings of a rule.
type findings []finding

// add adds one, whose sentence is formatted. Others' words may be in it: it becomes one line of printable characters.
func (f *findings) add(about, what, do, format string, args ...any) {
	*f = append(*f, finding{about, printable(what), printable(fmt.Sprintf(format, args...)), printable(do)})
}

func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}

// again returns those of now that were also found before: what mends itself within moments is none.
func again(before, now findings) findings {
	return slices.DeleteFunc(slices.Clone(now), func(f finding) bool {
		return !slices.ContainsFunc(before, func(b finding) bool { return b.About == f.About && b.What == f.What })
	})
}

func write(w io.Writer, found findings) {
	for _, f := range found {
		fmt.Fprintf(w, "%s: %s\n    %s\n", f.About, f.Says, f.Do)
	}
}

// list returns words with commas between, and the last one after "and".
func list(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}
