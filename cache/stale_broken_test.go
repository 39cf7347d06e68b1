//go:build !broken

package cache_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestLongStaleNeedsItsRules runs what stages old values and late loads on a build that can switch rules off, and wants
// each to fail without the rule that it is about.
func TestLongStaleNeedsItsRules(t *testing.T) {
	t.Parallel()
	program := mustBuildBroken(t)
	for _, row := range []struct{ test, rule string }{
		{"TestStaleInvalidatedDuringTheLoad", "stale"}, {"TestStaleInvalidatedInRetryAfter", "stale"},
		{"TestStaleJoinedAfterTheWrite", "stale"}, {"TestStaleAbsence", "stale"},
		{"TestLateLoadThatReadOld", "fence"}, {"TestLateLoadIsJoinedAfterTheWrite", "join"},
		{"TestSoftTimeoutAfterTheWrite", "stale"}, {"TestHardTimeoutAfterTheWrite", "stale"},
		{"TestACrowdLeavesALateLoad", "late"}, {"TestTheLastCallerOfALateLoadGivesUp", "late"},
		{"TestClosingEndsLateLoads", "late"}, {"TestCallersBehindALateLoad", "late"},
		{"TestRefreshAfarThatReadOld", "fence"}, {"TestRefreshAfarThatReadOld", "join"},
		{"TestManyStale", "stale"}, {"TestSoftTimeoutOfABatchAfterTheWrite", "stale"},
		{"TestStaleOracle/one_process", "stale"}, {"TestStaleOracle/near_and_Redis", "stale"},
		{"TestStaleOracle/Redis_alone", "stale"},
		{"TestStaleOracle/one_process", "fence"}, {"TestStaleOracle/near_and_Redis", "fence"},
		{"TestStaleOracle/Redis_alone", "fence"},
	} {
		t.Run(row.test+" without "+row.rule, func(t *testing.T) {
			cmd := exec.Command(program, "-test.run", "^"+strings.ReplaceAll(row.test, "/", "$/^")+"$", "-test.v",
				"-test.timeout", "120s", "-stale-oracle-reads", "1000000")
			cmd.Env = append(os.Environ(), "CACHE_BROKEN="+row.rule)
			if out, err := cmd.CombinedOutput(); err == nil ||
				!strings.Contains(string(out), "--- FAIL: "+row.test+" ") {
				t.Errorf("%s does not see that %s is switched off: %v\n%s", row.test, row.rule, err, out)
			}
		})
	}
}
