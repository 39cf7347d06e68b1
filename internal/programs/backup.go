package programs

import (
	"os/exec"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// Backup is a running backup: what keeps the database from being lost.
type Backup struct {
	*servers.Process
	// URL is where it listens, with /metrics.
	URL string
}

// BuildBackup builds the backup command of this module into a file. It must be called from within the module.
func BuildBackup(file string) error { return build("backup", file) }

// StartBackup runs a command that is the backup, with settings ("WOODY_X=…") of which the last counts, and waits until
// it is ready. It listens on a free port of the loopback, unless the settings say otherwise. What it prints goes to
// logFile.
func StartBackup(cmd *exec.Cmd, logFile string, settings ...string) (*Backup, error) {
	settings = append([]string{"WOODY_ADDR=127.0.0.1:0"}, settings...)
	process, announced, err := startOpen(cmd, logFile, settings...)
	if process == nil {
		return nil, err
	}
	return &Backup{Process: process, URL: localURL(announced["WOODY_ADDR"])}, err
}
