//go:build !broken

package fibercache_test

import (
	"os/exec"
	"strings"
	"testing"
)

// TestTheOracleNeedsTheFence runs the oracle on a build without the fence and wants it to fail.
func TestTheOracleNeedsTheFence(t *testing.T) {
	out, err := exec.Command("go", "test", "-tags", "broken", "-run", "^TestOracle$", ".").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "reads were stale") {
		t.Errorf("the oracle does not see that the fence is gone: %v\n%s", err, out)
	}
}
