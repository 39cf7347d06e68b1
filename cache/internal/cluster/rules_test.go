//go:build !broken

package cluster

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestLongDecisionsNeedTheirRules does what clustertest.TestLongSchedulesNeedTheirRules does, for rules that are about
// one replica's decisions, whose schedules need no processes.
func TestLongDecisionsNeedTheirRules(t *testing.T) {
	program := filepath.Join(t.TempDir(), "broken.test")
	if out, err := exec.Command("go", "test", "-c", "-tags", "broken", "-o", program,
		".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for test, rule := range map[string]string{
		"TestABumpIsLostAndItsNumberTaken": "bumps",
		"TestAContactThatLapsed":           "lapse",
		"TestContacts":                     "overlap",
		"TestTheGateAndAnOutage":           "outage",
	} {
		cmd := exec.Command(program, "-test.run", "^"+test+"$", "-test.timeout", "60s")
		cmd.Env = append(os.Environ(), "CACHE_BROKEN="+rule)
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "--- FAIL: "+test+" ") {
			t.Errorf("%s does not see that %s is switched off: %v\n%s", test, rule, err, out)
		}
	}
}
