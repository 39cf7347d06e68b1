package servers

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"time"
)

// Front is a running front process: the page and its assets.
type Front struct {
	*Process
	// Addr is where it listens, HOST:PORT, and URL the same with http:// before it.
	Addr, URL string
}

// BuildFront builds the front command of this module into a file. It must be called from within the
// module.
func BuildFront(file string) error {
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", file, "github.com/woodytoys/woodytoys/front")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the front: %w\n%s", err, out)
	}
	return nil
}

var frontOpenAt = regexp.MustCompile(`the front is open" addr=(\S+)`)

// StartFront runs a command that is front, with settings ("WOODY_X=…") of which the last counts, and
// waits until it is ready. It listens on a free port of the loopback, unless the settings say
// otherwise. What it prints goes to logFile.
func StartFront(cmd *exec.Cmd, logFile string, settings ...string) (*Front, error) {
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(append(cmd.Env, "WOODY_ADDR=127.0.0.1:0"), settings...)
	process, err := Start(cmd, logFile)
	if err != nil {
		return nil, err
	}
	front := &Front{Process: process}
	err = process.AwaitReady(30*time.Second, front.ask)
	if err != nil {
		process.Kill()
	}
	return front, err
}

// ask answers nil once the front says on /readyz that it is ready.
func (f *Front) ask() error {
	found := frontOpenAt.FindStringSubmatch(f.Log())
	if found == nil {
		return errors.New("it has not said where it listens")
	}
	f.Addr, f.URL = found[1], "http://"+found[1]
	answer, err := http.Get(f.URL + "/readyz")
	if err != nil {
		return err
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return errors.New("/readyz answers " + answer.Status)
	}
	return nil
}
