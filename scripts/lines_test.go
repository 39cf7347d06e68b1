package scripts_test

import (
	"os/exec"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestLinesAreShort holds each line of the Go files to 120 columns, a tab being four. A line may be longer where it has
// something that cannot be broken: a raw string, or a word (a URL, a key), of more than 60 columns.
func TestLinesAreShort(t *testing.T) {
	files, err := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard",
		"../*.go").Output()
	if err != nil {
		t.Fatal(err)
	}
	for file := range strings.SplitSeq(strings.TrimSuffix(string(files), "\x00"), "\x00") {
		number := 0
		for line := range strings.Lines(mustRead(t, file)) {
			number++
			if n := columns(line); n > 120 && !unbreakable(line) {
				t.Errorf("%s:%d has %d columns, want at most 120", strings.TrimPrefix(file, "../"), number, n)
			}
		}
	}
}

func columns(line string) int {
	return utf8.RuneCountInString(strings.ReplaceAll(strings.TrimRight(line, "\n"), "\t", "    "))
}

func unbreakable(line string) bool {
	for i, part := range strings.Split(line, "`") {
		if raw := i%2 == 1; raw && columns(part) > 60 {
			return true
		}
	}
	for word := range strings.FieldsSeq(line) {
		if columns(word) > 60 {
			return true
		}
	}
	return false
}
