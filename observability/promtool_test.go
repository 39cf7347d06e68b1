// Package observability_test checks the rules, the dashboards and the runbook against each other and against the
// programs that will read them.
package observability_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// render runs scripts/rules. What fails the test is what it says on standard error.
func render(t *testing.T, args ...string) []byte {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command("../scripts/rules", args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("scripts/rules %q: %v\n%s", args, err, &stderr)
	}
	return out
}

// mustWrite writes a file in a new folder and returns its path.
func mustWrite(t *testing.T, name string, content []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// promtool runs promtool in the folder of the file that is its last argument.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	program, err := servers.LookPath("promtool")
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		t.Errorf("promtool %q: %v\n%s", args, err, out)
	}
}
