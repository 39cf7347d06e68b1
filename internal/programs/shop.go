package programs

import (
	"os/exec"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// Shop is a running api process, the whole shop or one replica of it.
type Shop struct {
	*servers.Process
	// URL is where it listens, on a free port of its own.
	URL string
	// AdminURL is where its metrics (/metrics) and profiles are; empty when it has no admin port.
	AdminURL string

	addr string
}

// BuildShop builds the api command of this module into a file, with more flags of go build. It must be
// called from within the module.
func BuildShop(file string, flags ...string) error { return build("api", file, flags...) }

// Addr returns where it listens as 127.0.0.1:PORT.
func (s *Shop) Addr() string { return s.addr }

// StartShop runs a command that is api, with settings ("WOODY_X=…") of which the last counts, and
// waits until it is ready. It listens on a free port of the loopback and has no admin port, unless
// the settings say otherwise. What it prints goes to logFile.
func StartShop(cmd *exec.Cmd, logFile string, settings ...string) (*Shop, error) {
	settings = append([]string{"WOODY_ADDR=127.0.0.1:0", "WOODY_ADMIN_ADDR=off"}, settings...)
	process, announced, err := startOpen(cmd, logFile, settings...)
	if process == nil {
		return nil, err
	}
	addr := announced["WOODY_ADDR"]
	return &Shop{
		Process: process, URL: localURL(addr), AdminURL: localURL(announced["WOODY_ADMIN_ADDR"]), addr: addr,
	}, err
}
