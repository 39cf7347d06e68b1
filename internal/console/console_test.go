package console

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// mustRead reads a document whose fences are written with three single quotes instead of backticks.
func mustRead(t *testing.T, text string) []Section {
	t.Helper()
	file := filepath.Join(t.TempDir(), "document.md")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(text, "'''", "```")), 0o600); err != nil {
		t.Fatal(err)
	}
	sections, err := Read(file)
	if err != nil {
		t.Fatal(err)
	}
	return sections
}

const document = `# A lab

## One

Text, and in another terminal

'''sh
make run
'''

'''console
$ echo one \
>     two
one two
$ true
'''

### Inside

'''console
$ echo three
three

four
'''

## Without commands

'''
$ echo five
'''

## Two

'''console
$ echo six
six
'''
`

func TestReadReturnsTheSectionsThatHaveCommands(t *testing.T) {
	sections := mustRead(t, document)
	if len(sections) != 3 {
		t.Fatalf("%d sections, want 3: %+v", len(sections), sections)
	}
	one, inside, two := sections[0], sections[1], sections[2]
	if one.Title() != "One" || one.Terminal != "make run" || len(one.Commands) != 2 {
		t.Errorf("the first section = %+v", one)
	}
	if want := (Command{"echo one \\\n    two", "one two", 12}); one.Commands[0] != want {
		t.Errorf("the first command = %+v, want %+v", one.Commands[0], want)
	}
	if !inside.Under("One") || !inside.Under("A lab") || inside.Under("Two") || inside.Terminal != "" {
		t.Errorf("the section inside = %+v", inside)
	}
	if got, want := inside.Commands[0].Want, "three\n\nfour"; got != want {
		t.Errorf("what it prints = %q, want %q", got, want)
	}
	if !two.Under("Two") || two.Under("One") {
		t.Errorf("the last section = %+v", two)
	}
}

func TestReadRefusesADocumentThatIsBroken(t *testing.T) {
	for want, text := range map[string]string{
		"line 3: the block that begins there does not end": "# A\n\n```console\n$ true\n",
		"line 4: a console block begins with a command":    "# A\n\n```console\ntrue\n```\n",
	} {
		file := filepath.Join(t.TempDir(), "document.md")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

const (
	noon  = "2026-11-21 12:00:00.000000"
	later = "2026-11-21 12:00:01.000000"
	then  = "2027-01-02 03:04:05.678901"
	after = "2027-01-02 03:04:06.000000"
)

func TestCompare(t *testing.T) {
	for _, row := range []struct {
		name, want, got string
		equal           bool
	}{
		{"the same", "healthy", "healthy\n", true},
		{"another word", "healthy", "ready", false},
		{"a line more", "healthy", "healthy\nready", false},
		{"a line less", "healthy\nready", "healthy", false},
		{"nothing", "", "", true},
		{"something for nothing", "", "healthy", false},
		{"what would be a pattern", "a.c (d)", "abc (d)", false},
		{"any text of a line", "a…c", "a b c", true},
		{"any text of a line, which has an end", "a…c", "a\nc", false},
		{"any lines", "a\n…\nd", "a\nb\nc\nd", true},
		{"any lines, none", "a\n…\nd", "a\nd", true},
		{"any lines, and then another", "a\n…\nd", "a\nb\ne", false},
		{"another moment", noon, then, true},
		{"no moment", noon, "noon", false},
		{"one moment twice", noon + "\n" + noon, then + "\n" + then, true},
		{"one moment twice, and there are two", noon + "\n" + noon, then + "\n" + after, false},
		{"two moments", noon + "\n" + later, then + "\n" + after, true},
		{"two moments, and there is one twice", noon + "\n" + later, then + "\n" + then, false},
		{"durations", "0.501 s", "0.733 s", true},
		{"a duration twice", "0.501 s\n0.501 s", "0.733 s\n0.612 s", true},
		{"an asset", "app.c292761b76d311b5.js", "app.0123456789abcdef.js", true},
		{"another asset", "app.c292761b76d311b5.js", "app.0123456789abcdef.css", false},
		{"a replica", "woody_api.1.k8w1xk0d0p6zq1b8v5y3m2c7a", "woody_api.3.aaaaaaaaaaaaaaaaaaaaaaaaa", true},
		{"the time left", "near; hit; ttl=29", "near; hit; ttl=7", true},
	} {
		if err := newExamples().compare(row.want, row.got); (err == nil) != row.equal {
			t.Errorf("%s: %q against %q: %v", row.name, row.got, row.want, err)
		}
	}
}

func TestAnExampleInACommandStandsForWhatWasPrinted(t *testing.T) {
	section := mustRead(t, `# A

'''console
$ x=$(cat moment); echo "it is $x"
it is `+noon+`
$ echo "`+noon+`" "$x"
`+noon+` `+noon+`
$ [ "`+noon+`" = "`+then+`" ]
'''
`)[0]
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "moment"), []byte(then), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := section.Run(dir); err != nil {
		t.Error(err)
	}
}

func TestRunStopsAtWhatIsNotAsTheDocumentHasIt(t *testing.T) {
	for want, command := range map[string]string{
		"line 4: echo two: it printed\ntwo": "$ echo two\none",
		"exit status 3":                     "$ (exit 3)",
		"syntax error":                      "$ if",
		"the shell ended":                   "$ exit",
		"NAME is value":                     "$ echo NAME is $NAME >&2",
	} {
		section := mustRead(t, "# A\n\n'''console\n"+command+"\n$ touch further\n'''\n")[0]
		dir := t.TempDir()
		if err := section.Run(dir, "NAME=value"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", command, err, want)
		}
		if _, err := os.Stat(filepath.Join(dir, "further")); err == nil {
			t.Errorf("%s: it went on", command)
		}
	}
}
