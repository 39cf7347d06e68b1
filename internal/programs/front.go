package programs

import (
	"os/exec"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// Front is a running front process: the page and its assets.
type Front struct {
	*servers.Process
	// Addr is where it listens, HOST:PORT, and URL the same with http:// before it.
	Addr, URL string
}

// BuildFront builds the front command of this module into a file. It must be called from within the
// module.
func BuildFront(file string) error { return build("front", file) }

// StartFront runs a command that is front, with settings ("WOODY_X=…") of which the last counts, and
// waits until it is ready. It listens on a free port of the loopback, unless the settings say
// otherwise. What it prints goes to logFile.
func StartFront(cmd *exec.Cmd, logFile string, settings ...string) (*Front, error) {
	settings = append([]string{"WOODY_ADDR=127.0.0.1:0"}, settings...)
	process, announced, err := startOpen(cmd, logFile, settings...)
	if process == nil {
		return nil, err
	}
	addr := announced["WOODY_ADDR"]
	return &Front{Process: process, Addr: addr, URL: "http://" + addr}, err
}
