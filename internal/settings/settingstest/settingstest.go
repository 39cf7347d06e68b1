// Package settingstest checks what is written about settings against the programs that have them.
package settingstest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	serviceLine = regexp.MustCompile(`^  ([a-z-]+):$`)
	settingLine = regexp.MustCompile(`^      (WOODY_\w+): (?:"([^"]*)"|(\S+))`)
	withDefault = regexp.MustCompile(`^\$\{(\w+):-(.*)\}$`)
	// tableRow is a line of a Markdown table: settings, then their defaults.
	tableRow = regexp.MustCompile("^\\| (`WOODY_\\w+`(?:, `WOODY_\\w+`)*) \\| (`[^`]*`(?:, `[^`]*`)*) \\|")
	quoted   = regexp.MustCompile("`([^`]*)`")
)

// CheckStack reads what the stack files of the repository at root set of a service's program. Each name must be one of
// defaults, the program's. A default of the program may not stand there again: a variable that an operator need not set
// is left empty, ${VAR:-}, and the default in scripts/deploy --help must be the program's default.
func CheckStack(t *testing.T, root, service string, defaults map[string]string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "stack*.yml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no stack files in %s: %v", root, err)
	}
	deploy := Words(t, filepath.Join(root, "scripts", "deploy"))
	for _, file := range files {
		for name, value := range environment(t, file, service) {
			want, known := defaults[name]
			variable := withDefault.FindStringSubmatch(value)
			switch {
			case !known:
				t.Errorf("%s sets %s, which %s does not have", file, name, service)
			case value == want, variable != nil && variable[2] != "" && variable[2] == want:
				t.Errorf("%s repeats the default of %s, %s: leave it out, or its variable empty", file, name, want)
			case variable != nil && variable[2] == "" && !deploy[variable[1]+"="+want]:
				t.Errorf("scripts/deploy --help does not say %s=%s, the default of %s", variable[1], want, name)
			}
		}
	}
}

// environment returns the settings of a service in a stack file.
func environment(t *testing.T, file, service string) map[string]string {
	t.Helper()
	found, in := map[string]string{}, ""
	for _, line := range lines(t, file) {
		if match := serviceLine.FindStringSubmatch(line); match != nil {
			in = match[1]
		} else if match := settingLine.FindStringSubmatch(line); match != nil && in == service {
			found[match[1]] = match[2] + match[3]
		}
	}
	return found
}

// CheckTable reads the rows of a document's tables that begin with settings and their defaults: these must be as in
// defaults. A document without such a row fails the test.
func CheckTable(t *testing.T, file string, defaults map[string]string) {
	t.Helper()
	found := map[string]string{}
	for _, line := range lines(t, file) {
		if row := tableRow.FindStringSubmatch(line); row != nil {
			names, values := quoted.FindAllStringSubmatch(row[1], -1), quoted.FindAllStringSubmatch(row[2], -1)
			if len(names) != len(values) {
				t.Errorf("%s: %s: not a default for each", file, line)
				continue
			}
			for i, name := range names {
				found[name[1]] = values[i][1]
			}
		}
	}
	if len(found) == 0 {
		t.Errorf("%s names no defaults", file)
	}
	for name, got := range found {
		if want, known := defaults[name]; !known || got != want {
			t.Errorf("%s says that %s is %q by default, want %q", file, name, got, want)
		}
	}
}

// Words returns the words of a file, as white space parts them.
func Words(t *testing.T, file string) map[string]bool {
	t.Helper()
	words := map[string]bool{}
	for _, line := range lines(t, file) {
		for word := range strings.FieldsSeq(line) {
			words[word] = true
		}
	}
	return words
}

func lines(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(text), "\n")
}
