package programs

import (
	"os/exec"
	"regexp"

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

var frontOpenAt = regexp.MustCompile(`the front is open" addr=(\S+)`)

// StartFront runs a command that is front, with settings ("WOODY_X=…") of which the last counts, and
// waits until it is ready. It listens on a free port of the loopback, unless the settings say
// otherwise. What it prints goes to logFile.
func StartFront(cmd *exec.Cmd, logFile string, settings ...string) (*Front, error) {
	cmd.Env = append(append(cmd.Environ(), "WOODY_ADDR=127.0.0.1:0"), settings...)
	process, err := servers.Start(cmd, logFile)
	if err != nil {
		return nil, err
	}
	front := &Front{Process: process}
	if front.Addr, front.URL, err = awaitOpen(process, frontOpenAt); err != nil {
		process.Kill()
	}
	return front, err
}
