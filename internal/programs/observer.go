package programs

import (
	"os/exec"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// Observer is a running observer: what looks for stale answers.
type Observer struct {
	*servers.Process
	// URL is where it listens, with /metrics.
	URL string
}

// BuildObserver builds the observer command of this module into a file. It must be called from within the module.
func BuildObserver(file string) error { return build("observability/observer", file) }

// StartObserver runs a command that is the observer, with settings ("WOODY_X=…") of which the last counts, and waits
// until it is ready. It listens on a free port of the loopback, unless the settings say otherwise. What it prints goes
// to logFile.
func StartObserver(cmd *exec.Cmd, logFile string, settings ...string) (*Observer, error) {
	settings = append([]string{"WOODY_ADDR=127.0.0.1:0"}, settings...)
	process, announced, err := startOpen(cmd, logFile, settings...)
	if process == nil {
		return nil, err
	}
	return &Observer{Process: process, URL: localURL(announced["WOODY_ADDR"])}, err
}
