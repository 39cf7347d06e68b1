// Package exampletest runs the examples as their users do.
package exampletest

import (
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// Build builds the program in the folder that the test runs in, and returns its file.
func Build(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "program")
	if out, err := exec.Command("go", "build", "-o", file, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return file
}

// Program is an example that is running.
type Program struct {
	process *servers.Process
	url     string
}

// Start starts a program on a port of its own, waits until it listens, and ends it with the test.
func Start(t *testing.T, file string, args ...string) *Program {
	t.Helper()
	cmd := exec.Command(file, append([]string{"-addr", "127.0.0.1:0"}, args...)...)
	process, err := servers.Start(cmd, filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(process.Kill)
	p := &Program{process: process}
	p.await(t, func() error {
		if found := regexp.MustCompile(`listening on (http://\S+)\n`).FindStringSubmatch(process.Log()); found != nil {
			p.url = found[1]
			return nil
		}
		return fmt.Errorf("it does not listen yet")
	})
	return p
}

func (p *Program) await(t *testing.T, ready func() error) {
	t.Helper()
	if err := p.process.AwaitReady(servers.Patience, ready); err != nil {
		t.Fatal(err)
	}
}

// Response is what a program responded with.
type Response struct {
	Status int
	Header http.Header
	Body   string
}

func (p *Program) do(t *testing.T, method, path, body string) Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, p.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", method, path, err, p.process.Log())
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return Response{response.StatusCode, response.Header, strings.TrimSpace(string(text))}
}

// Get returns the response to a GET.
func (p *Program) Get(t *testing.T, path string) Response {
	t.Helper()
	return p.do(t, http.MethodGet, path, "")
}

// Put sends a PUT, and fails the test unless it is acknowledged.
func (p *Program) Put(t *testing.T, path, body string) {
	t.Helper()
	if got := p.do(t, http.MethodPut, path, body); got.Status != http.StatusNoContent {
		t.Fatalf("PUT %s: %d %s, want 204\n%s", path, got.Status, got.Body, p.process.Log())
	}
}

// Want fails the test unless the response to a GET has the body.
func (p *Program) Want(t *testing.T, path, body string) {
	t.Helper()
	if got := p.Get(t, path); got.Status != http.StatusOK || got.Body != body {
		t.Fatalf("GET %s: %d %s, want 200 %s", path, got.Status, got.Body, body)
	}
}

// WantStatus fails the test unless the response to a GET has the status.
func (p *Program) WantStatus(t *testing.T, path string, status int) {
	t.Helper()
	if got := p.Get(t, path); got.Status != status {
		t.Fatalf("GET %s: %d %s, want %d", path, got.Status, got.Body, status)
	}
}

// AwaitHit asks until the response comes from the near cache: a replica that has just started is not in the cluster
// yet, and loads every response.
func (p *Program) AwaitHit(t *testing.T, path string) {
	t.Helper()
	p.await(t, func() error {
		if status := p.Get(t, path).Header.Get("Cache-Status"); !strings.HasPrefix(status, "near; hit") {
			return fmt.Errorf("Cache-Status: %s", status)
		}
		return nil
	})
}

// Interrupt ends the program as Ctrl-C does, and wants it to end well.
func (p *Program) Interrupt(t *testing.T) {
	t.Helper()
	if err := p.process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.process.Done():
	case <-time.After(servers.Patience):
		t.Fatalf("the program goes on after SIGINT\n%s", p.process.Log())
	}
	if err := p.process.Wait(); err != nil {
		t.Errorf("the program ended with %v, want 0\n%s", err, p.process.Log())
	}
}
