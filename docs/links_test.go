package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	links    = regexp.MustCompile(`\]\(([^()\s]*)\)`)
	headings = regexp.MustCompile(`(?m)^#+ (.*)$`)
	code     = regexp.MustCompile("(?ms)^```.*?^```$|`[^`\n]*`")
)

// TestLinksLeadSomewhere follows every link of a document that leads to a file of this repository, or to a heading.
func TestLinksLeadSomewhere(t *testing.T) {
	followed := 0
	err := filepath.WalkDir("..", func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case file == "../bin", // in which tests that run beside this one make folders and remove them
			entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "testdata" || file == "../benchmarks/results"):
			return filepath.SkipDir
		case filepath.Ext(file) != ".md":
			return nil
		}
		for _, link := range links.FindAllStringSubmatch(code.ReplaceAllString(mustRead(t, file), ""), -1) {
			if strings.Contains(link[1], ":") { // elsewhere
				continue
			}
			followed++
			path, anchor, _ := strings.Cut(link[1], "#")
			to := filepath.Join(filepath.Dir(file), path)
			if path == "" {
				to = file
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s links to %s, which is not there", file, link[1])
			} else if anchor != "" && !anchors(mustRead(t, to))[anchor] {
				t.Errorf("%s links to %s, and there is no such heading", file, link[1])
			}
		}
		return nil
	})
	if err != nil || followed < 50 {
		t.Errorf("%d links were followed: %v", followed, err)
	}
}

// anchors returns the names that GitHub gives to a document's headings.
func anchors(text string) map[string]bool {
	names := map[string]bool{}
	for _, heading := range headings.FindAllStringSubmatch(text, -1) {
		name := regexp.MustCompile(`[^\pL\pN _-]`).ReplaceAllString(strings.ToLower(heading[1]), "")
		names[strings.ReplaceAll(name, " ", "-")] = true
	}
	return names
}

func mustRead(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
