//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/console"
)

// mustExercise carries out an exercise of docs/lab.md, in the tree that is deployed. Its curl finds the first node at
// localhost, whose port 80 may be another's.
func mustExercise(t *testing.T, title string) {
	t.Helper()
	sections, err := console.Read("../docs/lab.md")
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(sections, func(s console.Section) bool { return s.Title() == title })
	if i < 0 {
		t.Fatalf("docs/lab.md has no exercise %q", title)
	}
	dir := t.TempDir()
	rc := fmt.Sprintf("silent\nshow-error\nconnect-to = \"localhost:80:%[1]s:80\"\n"+
		"connect-to = \"localhost:8080:%[1]s:8080\"\n"+
		"connect-to = \"cdn.localhost:80:%[1]s:80\"\n", nodeAddr)
	if err := os.WriteFile(filepath.Join(dir, ".curlrc"), []byte(rc), 0o600); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := sections[i].Run(tree, "CURL_HOME="+dir); err != nil {
		t.Fatalf("docs/lab.md, %v", err)
	}
	figuref("exercise %q: %.0f s", title, time.Since(began).Seconds())
}
