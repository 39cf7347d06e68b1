package runner_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// builtIn is the variable by which a process that apart begins finds the programs.
const builtIn = "WOODYTEST_BUILT_IN"

// apart runs a test in a process of its own, and reports whether it did: then there is nothing more to do. A run is
// looked at by the processes and temporary folders that it leaves, so that two in one process would see each other's.
// Processes can overlap.
func apart(t *testing.T) bool {
	t.Helper()
	if os.Getenv(builtIn) != "" {
		ownTemp(t)
		return false
	}
	t.Parallel()
	cmd := exec.Command(os.Args[0], "-test.v", "-test.run=^"+strings.ReplaceAll(t.Name(), "/", "$/^")+"$")
	cmd.Env = append(os.Environ(), builtIn+"="+built.dir)
	process, err := servers.Start(cmd, filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	err = process.Wait()
	switch {
	case strings.Contains(process.Log(), "--- SKIP: "+t.Name()+" "):
		t.Skip(process.Log())
	case err != nil || !strings.Contains(process.Log(), "--- PASS: "+t.Name()+" "):
		t.Errorf("%v\n%s", err, process.Log())
	}
	return true
}
