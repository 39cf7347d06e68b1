package machine

import (
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestASliceIsAPart checks that a process that would use a whole core uses a tenth of one in a slice of that size.
func TestASliceIsAPart(t *testing.T) {
	slices, err := OpenSlices()
	if err != nil {
		t.Skip("no control groups: ", err)
	}
	busy := exec.Command("sh", "-c", "while :; do :; done")
	if err := busy.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		busy.Process.Kill()
		busy.Wait()
		if err := slices.Close(); err != nil {
			t.Error(err)
		}
		if left, err := filepath.Glob(filepath.Join(slices.root, "woody-*")); err != nil || len(left) > 0 {
			t.Errorf("groups are left: %v, %v", left, err)
		}
	}()
	if err := slices.Give(busy.Process.Pid, .1); err != nil {
		t.Fatal(err)
	}
	began, before := time.Now(), cpuOf(t, busy.Process.Pid)
	time.Sleep(2 * time.Second)
	used := (cpuOf(t, busy.Process.Pid) - before).Seconds() / time.Since(began).Seconds()
	if used > .13 {
		t.Errorf("it used %.2f of a core, want a tenth", used)
	}
}

func cpuOf(t *testing.T, pid int) time.Duration {
	t.Helper()
	cpu, _, _ := Tree(pid)
	return cpu
}
