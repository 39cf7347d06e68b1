//go:build !broken

package httpcache_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestLongRulesAreNeeded runs tests on a build that can switch rules off, and wants each to fail without the rule that
// it is about: a test that cannot fail proves nothing.
func TestLongRulesAreNeeded(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "broken.test")
	build := exec.Command("go", "test", "-c", "-tags", "broken", "-o", program, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Run("fence", func(t *testing.T) { t.Parallel(); runWithoutFence(t, program) })
	t.Run("copy", func(t *testing.T) { t.Parallel(); runWithoutCopy(t, program) })
}

// runWithoutFence runs the schedules and the oracle without the fence, where any running fill is joined.
func runWithoutFence(t *testing.T, program string) {
	const staged = "^TestOracle$|^TestSchedule"
	list, err := exec.Command(os.Args[0], "-test.list", staged).Output()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(program, "-test.run", staged, "-test.v", "-test.timeout", "10m",
		"-oracle-reads", "1000000").CombinedOutput() // it ends with the first stale one
	if err == nil {
		t.Fatalf("everything passes without the fence:\n%s", out)
	}
	var failed []string
	for _, match := range regexp.MustCompile(`(?m)^--- FAIL: (\w+)`).FindAllStringSubmatch(string(out), -1) {
		failed = append(failed, match[1])
	}
	for name := range strings.FieldsSeq(string(list)) {
		if strings.HasPrefix(name, "Test") && !slices.Contains(failed, name) {
			t.Errorf("%s does not see that the fence is gone\n%s", name, out)
		}
	}
}

// runWithoutCopy does the same without the copies of keys.
func runWithoutCopy(t *testing.T, program string) {
	const name = "TestReusedConnectionsNeverMixKeys"
	test := exec.Command(program, "-test.run", "^"+name+"$", "-test.v", "-test.timeout", "10m")
	test.Env = append(os.Environ(), "CACHE_BROKEN=copy")
	if out, err := test.CombinedOutput(); err == nil || !strings.Contains(string(out), "--- FAIL: "+name+" ") {
		t.Errorf("%s does not see that keys are not copied: %v\n%s", name, err, out)
	}
}
