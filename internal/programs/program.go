// Package programs starts the programs of this repository, and the servers whose configuration ships with it, for tests
// and benchmarks.
package programs

import (
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"regexp"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// build builds a command of this module into a file, with more flags of go build.
func build(command, file string, flags ...string) error {
	args := append([]string{"build", "-trimpath", "-ldflags=-s -w", "-o", file}, flags...)
	cmd := exec.Command("go", append(args, "github.com/woodytoys/woodytoys/"+command)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the %s: %w\n%s", command, err, out)
	}
	return nil
}

// awaitOpen waits until a program has printed where it listens, which is the group of openAt, and says
// there on /readyz that it is ready. Where it listens is returned even if it never is: HOST:PORT, and the
// same with http:// before it; empty when that was not printed.
func awaitOpen(p *servers.Process, openAt *regexp.Regexp) (addr, url string, err error) {
	err = p.AwaitReady(servers.Patience, func() error {
		found := openAt.FindStringSubmatch(p.Log())
		if found == nil {
			return errors.New("it has not said where it listens")
		}
		addr, url = found[1], "http://"+found[1]
		return wantOK(http.DefaultClient, url+"/readyz")
	})
	return addr, url, err
}

// wantOK returns nil if a GET of the URL is answered 200.
func wantOK(client *http.Client, url string) error {
	answer, err := client.Get(url)
	if err != nil {
		return err
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, answer.Status)
	}
	return nil
}
