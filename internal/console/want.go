package console

import (
	"fmt"
	"regexp"
	"strings"
)

// kinds are what differs each time. What is the same is a promise for some of them: one moment shown twice is a
// response that was kept.
var kinds = []struct {
	name, pattern string
	// same is set for those that are equal in the output where they are equal in the document, and differ where they
	// differ.
	same bool
}{
	{"moment", `\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}`, true},
	{"uuid", `[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`, true},
	{"task", `woody_\w+\.\d+\.[0-9a-z]{25}`, true}, // of Swarm, which is a replica's name there
	{"hash", `\b[0-9a-f]{16}\b`, true},             // in an asset's name
	{"date", `20\d\d-\d\d-\d\d\b`, false},
	{"seconds", `\d+\.\d+ s\b`, false},
	{"ttl", `\bttl=\d+\b`, false},
}

// varying is any of kinds, each in a group of its own.
var varying = func() *regexp.Regexp {
	var patterns []string
	for _, kind := range kinds {
		patterns = append(patterns, "("+kind.pattern+")")
	}
	return regexp.MustCompile(strings.Join(patterns, "|"))
}()

// examples are what the examples of a document have stood for, and what was printed for which of them.
type examples struct{ printed, shown map[string]string }

func newExamples() examples { return examples{map[string]string{}, map[string]string{}} }

// fill returns a command with what was printed in the place of its examples.
func (e examples) fill(command string) string {
	return varying.ReplaceAllStringFunc(command, func(example string) string {
		if printed, ok := e.printed[example]; ok {
			return printed
		}
		return example
	})
}

// compare returns nil if got is what the document has as want, and remembers what its examples stand for.
func (e examples) compare(want, got string) error {
	pattern, shown := compile(strings.TrimRight(want, "\n") + "\n")
	found := pattern.FindStringSubmatch(strings.TrimRight(got, "\n") + "\n")
	if found == nil {
		return fmt.Errorf("it printed\n%s\nand the document has\n%s", got, want)
	}
	for i, example := range shown {
		if err := e.bind(example, found[1+i]); err != nil {
			return fmt.Errorf("it printed\n%s\nand the document has\n%s\nwhere %w", got, want, err)
		}
	}
	return nil
}

func (e examples) bind(example, printed string) error {
	before, known := e.printed[example]
	switch other, taken := e.shown[printed]; {
	case known && before != printed:
		return fmt.Errorf("%s is what was %s before, and is %s now", example, before, printed)
	case taken && other != example:
		return fmt.Errorf("%s and %s are both %s", other, example, printed)
	}
	e.printed[example], e.shown[printed] = printed, example
	return nil
}

// compile returns what matches an output, with a group for each of the examples that are bound.
func compile(want string) (pattern *regexp.Regexp, bound []string) {
	var out strings.Builder
	out.WriteString(`^`)
	for line := range strings.Lines(want) {
		if line == "…\n" {
			out.WriteString(`(?:.*\n)*?`)
			continue
		}
		for _, part := range split(line) {
			switch kind := part.kind; {
			case part.text == "…":
				out.WriteString(`.*`)
			case kind < 0:
				out.WriteString(regexp.QuoteMeta(part.text))
			case kinds[kind].same:
				out.WriteString("(" + kinds[kind].pattern + ")")
				bound = append(bound, part.text)
			default:
				out.WriteString("(?:" + kinds[kind].pattern + ")")
			}
		}
	}
	out.WriteString(`$`)
	return regexp.MustCompile(out.String()), bound
}

// part is a piece of a line, with its place in kinds; -1 where it is text or "…".
type part struct {
	text string
	kind int
}

func split(line string) (parts []part) {
	text := func(s string) {
		for i, piece := range strings.Split(s, "…") {
			if i > 0 {
				parts = append(parts, part{"…", -1})
			}
			parts = append(parts, part{piece, -1})
		}
	}
	at := 0
	for _, found := range varying.FindAllStringSubmatchIndex(line, -1) {
		text(line[at:found[0]])
		for kind := range kinds {
			if found[2+2*kind] >= 0 {
				parts = append(parts, part{line[found[0]:found[1]], kind})
			}
		}
		at = found[1]
	}
	text(line[at:])
	return parts
}
