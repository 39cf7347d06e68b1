//go:build !broken

package fibercache_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestLongRulesAreNeeded runs tests on a build that can switch rules off, and wants each to fail without the rule that
// it is about.
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

// runWithoutFence runs the schedules and the oracle without the fence.
func runWithoutFence(t *testing.T, program string) {
	out, err := exec.Command(program, "-test.run", "^TestOracle$|^TestSchedule", "-test.v", "-test.timeout", "10m",
		"-oracle-reads", "1000000").CombinedOutput() // it ends with the first stale one
	for _, name := range []string{"TestOracle", "TestScheduleLateTag", "TestScheduleRefresh", "TestScheduleNegative"} {
		if err == nil || !strings.Contains(string(out), "--- FAIL: "+name+" ") {
			t.Errorf("%s does not see that the fence is gone: %v\n%s", name, err, out)
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
