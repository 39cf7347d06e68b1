//go:build !broken

package httpcache_test

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestLongFenceIsNeeded runs the schedules and the oracle on a build without the fence, where any running fill is
// joined, and wants each of them to fail: a test that cannot fail proves nothing.
func TestLongFenceIsNeeded(t *testing.T) {
	t.Parallel()
	list, err := exec.Command(os.Args[0], "-test.list", "^TestOracle$|^TestSchedule").Output()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "test", "-tags", "broken", "-v", "-run", "^TestOracle$|^TestSchedule", ".",
		"-args", "-oracle-reads", "1000000").CombinedOutput() // it ends with the first stale one
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
