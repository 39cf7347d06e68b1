//go:build !broken

package cache_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// mustBuildBroken builds this package's tests so that rules of the cache can be switched off.
func mustBuildBroken(t *testing.T) (program string) {
	t.Helper()
	program = filepath.Join(t.TempDir(), "broken.test")
	out, err := exec.Command("go", "test", "-c", "-tags", "broken", "-o", program, ".").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// TestLongSchedulesNeedTheFence runs the schedules and the oracle on a build without the fence and
// wants each of them to fail: a test that cannot fail proves nothing.
func TestLongSchedulesNeedTheFence(t *testing.T) {
	t.Parallel()
	const staged = "TestSchedule|TestOracle|TestMany.*Oracle"
	list, err := exec.Command(os.Args[0], "-test.list", staged).Output()
	if err != nil {
		t.Fatal(err)
	}
	program := mustBuildBroken(t)
	out, err := exec.Command(program, "-test.run", staged, "-test.v", "-test.timeout", "10m",
		"-oracle-reads", "1000000").CombinedOutput()
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
