package servers

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
)

// TestScriptsRunAtOnce writes and runs scripts from several goroutines, each of which starts processes while others
// write.
func TestScriptsRunAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for n := range 25 {
				file := filepath.Join(dir, strconv.Itoa(i*100+n))
				if err := WriteScript(file, "#!/bin/sh\n"); err != nil {
					t.Error(err)
				}
				if err := exec.Command(file).Run(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
}
