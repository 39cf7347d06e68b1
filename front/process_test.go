package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// TestMain lets the test binary stand in for the front itself: started with beTheFront set, it is main.
func TestMain(m *testing.M) {
	if os.Getenv(beTheFront) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

const beTheFront = "WOODY_TEST_BE_THE_FRONT"

// process is a front that runs by itself.
type process struct {
	*servers.Process
	t    *testing.T
	url  string
	addr string
}

func command(environment ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), append([]string{beTheFront + "=1"}, environment...)...)
	return cmd
}

// mustStartFront starts a process with the settings NAME=VALUE and waits until it is ready. It listens where the system
// has room, and says in its log where that is.
func mustStartFront(t *testing.T, settings ...string) *process {
	t.Helper()
	front, err := servers.Start(command(append([]string{"WOODY_ADDR=127.0.0.1:0"}, settings...)...), filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	p := &process{Process: front, t: t}
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Logf("the front said:\n%s", p.Log())
		}
	})
	p.mustAwait(func() error {
		found := openAt.FindStringSubmatch(p.Log())
		if found == nil {
			return errors.New("it does not say where it listens")
		}
		p.addr = found[1]
		return nil
	})
	p.url = "http://" + p.addr
	p.waitForReady(http.StatusOK)
	return p
}

var openAt = regexp.MustCompile(`the front is open" addr=(\S+)`)

func (p *process) mustAwait(ready func() error) {
	p.t.Helper()
	if err := p.AwaitReady(30*time.Second, ready); err != nil {
		p.t.Fatal(err)
	}
}

// mustFindFreeAddr gives an address where nothing listens.
func mustFindFreeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	defer l.Close()
	return l.Addr().String()
}

// waitForReady asks /readyz until it has the wanted status.
func (p *process) waitForReady(want int) {
	p.t.Helper()
	p.mustAwait(func() error {
		response, err := http.Get(p.url + "/readyz")
		if err != nil {
			return err
		}
		response.Body.Close()
		if response.StatusCode != want {
			return fmt.Errorf("/readyz answers %s, want %d", response.Status, want)
		}
		return nil
	})
}

func (p *process) mustEndWell() {
	p.t.Helper()
	select {
	case <-p.Done():
		if err := p.Wait(); err != nil {
			p.t.Fatalf("the front ended with %v, want exit status 0", err)
		}
	case <-time.After(30 * time.Second):
		p.t.Fatal("the front does not end")
	}
}
