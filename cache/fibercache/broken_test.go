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
	t.Run("copy", func(t *testing.T) {
		t.Parallel()
		runWithout(t, program, "copy", "TestReusedConnectionsNeverMixKeys")
	})
	t.Run("owner", func(t *testing.T) {
		t.Parallel()
		runWithout(t, program, "owner", "TestOwnersNeverMeet", "TestOwned", "TestOwnedAnswersOfOneFill",
			"TestOwnedStaleAnswers", "TestOwnedAnswersThatAreNotKept")
	})
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

// runWithout runs the tests that are about another rule without it.
func runWithout(t *testing.T, program, rule string, names ...string) {
	test := exec.Command(program, "-test.run", "^("+strings.Join(names, "|")+")$", "-test.v", "-test.timeout", "10m")
	test.Env = append(os.Environ(), "CACHE_BROKEN="+rule)
	out, err := test.CombinedOutput()
	for _, name := range names {
		if err == nil || !strings.Contains(string(out), "--- FAIL: "+name+" ") {
			t.Errorf("%s does not see that the rule %q is off: %v\n%s", name, rule, err, out)
		}
	}
}
