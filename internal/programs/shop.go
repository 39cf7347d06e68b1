package programs

import (
	"os/exec"
	"regexp"
	"strings"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// Shop is a running api process, the whole shop or one replica of it.
type Shop struct {
	*servers.Process
	// URL is where it listens, on a free port of its own.
	URL string
}

// BuildShop builds the api command of this module into a file, with more flags of go build. It must be
// called from within the module.
func BuildShop(file string, flags ...string) error { return build("api", file, flags...) }

// Addr is the same as 127.0.0.1:PORT.
func (s *Shop) Addr() string {
	return strings.Replace(strings.TrimPrefix(s.URL, "http://"), "localhost", "127.0.0.1", 1)
}

var shopOpenAt = regexp.MustCompile(`open at http://(\S+)`)

// StartShop runs a command that is api, with settings ("WOODY_X=…") of which the last counts, and
// waits until it is ready. It listens on a free port of the loopback and has no admin port, unless
// the settings say otherwise. What it prints goes to logFile.
func StartShop(cmd *exec.Cmd, logFile string, settings ...string) (*Shop, error) {
	cmd.Env = append(append(cmd.Environ(), "WOODY_ADDR=127.0.0.1:0", "WOODY_ADMIN_ADDR=off"), settings...)
	process, err := servers.Start(cmd, logFile)
	if err != nil {
		return nil, err
	}
	shop := &Shop{Process: process}
	if _, shop.URL, err = awaitOpen(process, shopOpenAt); err != nil {
		process.Kill()
	}
	return shop, err
}
