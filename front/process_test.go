package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/programs"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// TestMain runs main when the test binary is started with beTheFront set: it stands in for the front itself.
func TestMain(m *testing.M) {
	if os.Getenv(beTheFront) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

const beTheFront = "WOODYTEST_BE_THE_FRONT"

// process is a front that runs by itself.
type process struct {
	*programs.Front
	t *testing.T
}

func command(environment ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), append([]string{beTheFront + "=1"}, environment...)...)
	return cmd
}

// mustStartFront starts a process with the settings NAME=VALUE and waits until it is ready. It listens where the system
// has room.
func mustStartFront(t *testing.T, settings ...string) *process {
	t.Helper()
	front, err := programs.StartFront(command(), filepath.Join(t.TempDir(), "log"), settings...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		front.Kill()
		if t.Failed() {
			t.Logf("the front said:\n%s", front.Log())
		}
	})
	return &process{front, t}
}

// nobody is an address where nothing listens.
const nobody = "127.0.0.1:1"

// mustAwaitDrain waits until the front says on /readyz that it takes no more.
func (p *process) mustAwaitDrain() {
	p.t.Helper()
	err := p.AwaitReady(servers.Patience, func() error {
		response, err := http.Get(p.URL + "/readyz")
		if err != nil {
			return err
		}
		response.Body.Close()
		if response.StatusCode != http.StatusServiceUnavailable {
			return fmt.Errorf("/readyz answers %s, want 503", response.Status)
		}
		return nil
	})
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) mustEndWell() {
	p.t.Helper()
	select {
	case <-p.Done():
		if err := p.Wait(); err != nil {
			p.t.Fatalf("the front ended with %v, want exit status 0", err)
		}
	case <-time.After(servers.Patience):
		p.t.Fatal("the front does not end")
	}
}
