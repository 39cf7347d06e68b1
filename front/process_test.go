package main

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
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
	t     *testing.T
	url   string
	addr  string
	cmd   *exec.Cmd
	ended chan error
	log   lines
}

// lines is a log that is read while it is written.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, line)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.all, "\n")
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
	p := &process{t: t, ended: make(chan error, 1)}
	p.cmd = command(append([]string{"WOODY_ADDR=127.0.0.1:0"}, settings...)...)
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatalf("pipe: %v", err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start: %v", err)
	}
	address := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			p.log.add(lines.Text())
			if found := openAt.FindStringSubmatch(lines.Text()); found != nil {
				address <- found[1]
			}
		}
		p.ended <- p.cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		if t.Failed() {
			t.Logf("the front said:\n%s", p.log.String())
		}
	})
	select {
	case p.addr = <-address:
	case err := <-p.ended:
		t.Fatalf("the front ended: %v\n%s", err, p.log.String())
	case <-time.After(30 * time.Second):
		t.Fatal("the front does not say where it listens")
	}
	p.url = "http://" + p.addr
	p.waitForReady(http.StatusOK)
	return p
}

var openAt = regexp.MustCompile(`the front is open" addr=(\S+)`)

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
	ctx, cancel := context.WithTimeout(p.t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if response, err := http.Get(p.url + "/readyz"); err == nil {
			response.Body.Close()
			if response.StatusCode == want {
				return
			}
		}
		select {
		case <-tick.C:
		case err := <-p.ended:
			p.t.Fatalf("the front ended: %v\n%s", err, p.log.String())
		case <-ctx.Done():
			p.t.Fatalf("/readyz did not come to answer %d", want)
		}
	}
}

func (p *process) mustEndWell() {
	p.t.Helper()
	select {
	case err := <-p.ended:
		if err != nil {
			p.t.Fatalf("the front ended with %v, want exit status 0", err)
		}
	case <-time.After(30 * time.Second):
		p.t.Fatal("the front does not end")
	}
}
