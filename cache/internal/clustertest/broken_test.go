//go:build !broken

package clustertest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// TestLongSchedulesNeedTheirRules runs schedules on a build that can switch rules off, and wants each to fail
// without the rule that it is about, and to pass with all of them. Where another rule stands in for that one, both are
// switched off.
func TestLongSchedulesNeedTheirRules(t *testing.T) {
	program := filepath.Join(t.TempDir(), "broken.test")
	build := exec.Command("go", "test", "-c", "-tags", "broken", "-o", program, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	staged := func(schedule, rule string) (out string, err error) {
		cmd := exec.Command(program, "-test.run", "^"+schedule+"$", "-test.v", "-test.timeout", "5m")
		cmd.Env = append(os.Environ(), "CACHE_BROKEN="+rule, servertest.Lend(mariadb))
		text, err := cmd.CombinedOutput()
		return string(text), err
	}
	if out, err := staged("TestScheduleFence", "none"); err != nil {
		t.Fatalf("with all rules, on the server that is lent: %v\n%s", err, out)
	}
	for _, row := range []struct{ schedule, rule string }{
		{"TestScheduleFence", "fence"}, {"TestScheduleJoin", "join"}, {"TestScheduleWriterDies", "outbox"},
		{"TestScheduleSilentBus", "ack"}, {"TestScheduleOldFile", "epoch,past"}, {"TestSchedulePausedRedis", "epoch"},
		{"TestScheduleDeafReplica", "lease"}, {"TestScheduleWriterCutOff", "epoch"},
		{"TestScheduleDroppedFence", "token,past"},
		{"TestScheduleEvictedByAnother", "evict"}, {"TestSchedulePrimaryMoves", "proof"},
		{"TestScheduleOverlap", "look"}, {"TestScheduleTheDatabaseGoesBack", "back"},
		{"TestScheduleHandedOver", "handover"},
		{"TestScheduleTwoPrograms", "name"}, {"TestScheduleElsewhere", "name"},
		{"TestScheduleDemotedAndBack", "past"}, {"TestScheduleRestoredRedis", "past"},
		{"TestScheduleRestoredRedisAtOnce", "fence"},
		{"TestScheduleLateReplica", "marks"},
		{"TestScheduleManyOneOfThree", "fence"}, {"TestScheduleJoiningABatch", "join"},
		{"TestScheduleClearedReplica", "clear"}, {"TestScheduleClearedFill", "fence"},
		{"TestScheduleJoiningAClearedFill", "join,fence"},
		{"TestScheduleStaleInRedis", "stale"}, {"TestScheduleStaleWithoutALease", "stale"},
		{"TestScheduleStaleEpoch", "stale"},
	} {
		t.Run(row.schedule+" without "+row.rule, func(t *testing.T) {
			t.Parallel()
			// That a rule is missing shows once or not at all: a busy machine that stalls a replica for a lease has the
			// cluster begin anew, which hides it. So the schedule may be staged three times.
			var out string
			var err error
			for range 3 {
				out, err = staged(row.schedule, row.rule)
				if err != nil && strings.Contains(out, "--- FAIL: "+row.schedule+" ") {
					return
				}
			}
			t.Errorf("%s does not see that %s is switched off: %v\n%s", row.schedule, row.rule, err, out)
		})
	}
}
