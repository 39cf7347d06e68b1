package servers

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"
)

// Shop is a running api process, the whole shop or one replica of it.
type Shop struct {
	*Process
	// URL is where it listens, on a free port of its own.
	URL string
}

// BuildShop builds the api command of this module into a file, with more flags of go build. It must be
// called from within the module.
func BuildShop(file string, flags ...string) error {
	args := append([]string{"build", "-trimpath", "-ldflags=-s -w", "-o", file}, flags...)
	build := exec.Command("go", append(args, "github.com/woodytoys/woodytoys/api")...)
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the shop: %w\n%s", err, out)
	}
	return nil
}

// Addr is the same as 127.0.0.1:PORT.
func (s *Shop) Addr() string {
	return strings.Replace(strings.TrimPrefix(s.URL, "http://"), "localhost", "127.0.0.1", 1)
}

var openAt = regexp.MustCompile(`open at (http://\S+)`)

// StartShop runs a command that is api, with settings ("WOODY_X=…") of which the last counts, and
// waits until it is ready. It listens on a free port of the loopback and has no admin port, unless
// the settings say otherwise. What it prints goes to logFile.
func StartShop(cmd *exec.Cmd, logFile string, settings ...string) (*Shop, error) {
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(append(cmd.Env, "WOODY_ADDR=127.0.0.1:0", "WOODY_ADMIN_ADDR=off"), settings...)
	process, err := Start(cmd, logFile)
	if err != nil {
		return nil, err
	}
	shop := &Shop{Process: process}
	err = process.AwaitReady(30*time.Second, shop.ask)
	if err != nil {
		process.Kill()
	}
	return shop, err
}

// ask answers nil once the shop says on /readyz that it is ready.
func (s *Shop) ask() error {
	found := openAt.FindStringSubmatch(s.Log())
	if found == nil {
		return errors.New("it has not said where it listens")
	}
	s.URL = found[1]
	answer, err := http.Get(s.URL + "/readyz")
	if err != nil {
		return err
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return errors.New("/readyz answers " + answer.Status)
	}
	return nil
}
