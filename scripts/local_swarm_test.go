package scripts_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// TestLocalSwarmEndsOnlyItsOwn has the files of processes name one that is somebody else's, as they do when the machine
// was started again.
func TestLocalSwarmEndsOnlyItsOwn(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("scripts/local-swarm needs root")
	}
	stranger := exec.Command("sleep", "600")
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- stranger.Wait() }()
	defer func() {
		_ = stranger.Process.Kill() // it may have ended
		<-ended
	}()
	c := &claimed{tree: t.TempDir()}
	for _, file := range []string{"registry/pid", "1/pid"} {
		c.write(t, file, strconv.Itoa(stranger.Process.Pid))
	}
	down := exec.Command("./local-swarm", "down")
	down.Env = append(os.Environ(), "LOCAL_SWARM=none", "LOCAL_SWARM_DIR="+c.tree)
	if out, err := down.CombinedOutput(); err != nil {
		t.Errorf("%v %s", err, out)
	}
	select {
	case err := <-ended:
		t.Errorf("it has ended a process that is not its own: %v", err)
		ended <- err
	default:
	}
	if _, err := os.Stat(filepath.Join(c.tree, "1")); err == nil {
		t.Error("what it had is left")
	}
}
