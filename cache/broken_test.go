//go:build !broken

package cache_test

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestSchedulesNeedTheFence runs the schedules and the oracle on a build without the fence and
// wants each of them to fail: a test that cannot fail proves nothing.
func TestSchedulesNeedTheFence(t *testing.T) {
	const staged = "TestSchedule|TestOracle|TestMany.*Oracle"
	list, err := exec.Command("go", "test", "-list", staged, ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "test", "-tags", "broken", "-run", staged, "-v", ".",
		"-args", "-oracle-reads", "1000000").CombinedOutput()
	if err == nil {
		t.Fatalf("everything passes without the fence:\n%s", out)
	}
	var failed []string
	for _, match := range regexp.MustCompile(`(?m)^--- FAIL: (\w+)`).FindAllStringSubmatch(string(out), -1) {
		failed = append(failed, match[1])
	}
	for name := range strings.FieldsSeq(string(list)) {
		if strings.HasPrefix(name, "Test") && name != "TestSchedulesNeedTheFence" && !slices.Contains(failed, name) {
			t.Errorf("%s does not see that the fence is gone\n%s", name, out)
		}
	}
}
