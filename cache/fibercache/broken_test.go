//go:build !broken

package fibercache_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestLongFenceIsNeeded runs the schedules and the oracle on a build without the fence and wants each
// to fail.
func TestLongFenceIsNeeded(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "test", "-tags", "broken", "-v", "-run", "^TestOracle$|^TestSchedule", ".",
		"-args", "-oracle-reads", "1000000").CombinedOutput() // it ends with the first stale one
	for _, name := range []string{"TestOracle", "TestScheduleLateTag", "TestScheduleRefresh", "TestScheduleNegative"} {
		if err == nil || !strings.Contains(string(out), "--- FAIL: "+name+" ") {
			t.Errorf("%s does not see that the fence is gone: %v\n%s", name, err, out)
		}
	}
}

// TestLongCopyIsNeeded does the same without the copies of keys.
func TestLongCopyIsNeeded(t *testing.T) {
	t.Parallel()
	const name = "TestReusedConnectionsNeverMixKeys"
	test := exec.Command("go", "test", "-tags", "broken", "-v", "-run", "^"+name+"$", ".")
	test.Env = append(os.Environ(), "CACHE_BROKEN=copy")
	if out, err := test.CombinedOutput(); err == nil || !strings.Contains(string(out), "--- FAIL: "+name+" ") {
		t.Errorf("%s does not see that keys are not copied: %v\n%s", name, err, out)
	}
}
