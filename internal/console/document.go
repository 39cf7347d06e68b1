// Package console carries out the commands that a Markdown document shows, and compares what they print with what
// stands there. A fenced block that is marked console holds them as a terminal would show them:
//
//	$ curl -s localhost:8080/api/ping
//	healthy
//
// A line that begins with "$ " is a command, one with "> " goes on with it, and what follows is what it prints. There,
// … stands for any text of a line and, on a line of its own, for any number of lines. Moments, UUIDs, durations and the
// other things that want.go lists differ each time, so that the document shows an example of them: where it shows the
// same twice the commands must print the same twice, and where it shows two, two. An example in a command stands for
// what was printed.
package console

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// Section is a part of a document: what stands under a heading, up to the next one.
type Section struct {
	// Path are the titles of the headings that it stands under, its own last.
	Path []string
	// Terminal is what runs in a terminal of its own meanwhile: the block that is marked sh. Default: nothing.
	Terminal string
	// Commands are the commands of all its console blocks.
	Commands []Command
}

// Title returns its own heading.
func (s Section) Title() string { return s.Path[len(s.Path)-1] }

// Under reports whether the section stands under a heading of this title, or has it.
func (s Section) Under(title string) bool { return slices.Contains(s.Path, title) }

// Command is a command of a document.
type Command struct {
	Text string
	// Want is what it prints, by the document.
	Want string
	// Line is where it stands, from 1.
	Line int
}

// Read returns the sections of a Markdown file that have commands.
func Read(file string) ([]Section, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	sections, err := parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return sections, nil
}

func parse(text string) (sections []Section, err error) {
	var now Section
	language, block, began := "", []string(nil), 0
	inside := false
	end := func() {
		if len(now.Commands) > 0 {
			sections = append(sections, now)
		}
	}
	for i, line := range strings.Split(text, "\n") {
		switch {
		case inside && line == "```":
			inside = false
			if err := now.add(language, block, began); err != nil {
				return nil, err
			}
		case inside:
			block = append(block, line)
		case strings.HasPrefix(line, "```"):
			inside, language, block, began = true, strings.TrimPrefix(line, "```"), nil, i+2
		case strings.HasPrefix(line, "#"):
			end()
			marks, title, _ := strings.Cut(line, " ")
			above := min(len(marks)-1, len(now.Path))
			now = Section{Path: append(now.Path[:above:above], title)}
		}
	}
	if inside {
		return nil, fmt.Errorf("line %d: the block that begins there does not end", began-1)
	}
	end()
	return sections, nil
}

// add adds a block whose first line is the document's line began.
func (s *Section) add(language string, block []string, began int) error {
	switch language {
	case "sh":
		s.Terminal = strings.Join(block, "\n")
	case "console":
		commands, err := commands(block, began)
		if err != nil {
			return err
		}
		s.Commands = append(s.Commands, commands...)
	}
	return nil
}

func commands(block []string, began int) (commands []Command, err error) {
	var want []string
	for i, line := range append(block, "$ ") {
		text, isCommand := strings.CutPrefix(line, "$ ")
		more, isMore := strings.CutPrefix(line, "> ")
		switch {
		case isCommand:
			if len(commands) > 0 {
				commands[len(commands)-1].Want = strings.Join(want, "\n")
			}
			commands, want = append(commands, Command{Text: text, Line: began + i}), nil
		case len(commands) == 0:
			return nil, fmt.Errorf("line %d: a console block begins with a command, \"$ …\"", began+i)
		case isMore && len(want) == 0:
			commands[len(commands)-1].Text += "\n" + more
		default:
			want = append(want, line)
		}
	}
	return commands[:len(commands)-1], nil
}
