package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"
)

// inside is where the stack's own networks are reached from.
type inside interface {
	// DialContext connects to HOST:PORT.
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
	// lookup returns the IPv4 addresses that DNS has for a name there, sorted; none is no error.
	lookup(ctx context.Context, name string) ([]string, error)
}

// container is a running container on this node. Its networks are probed from inside it. It has bash, cat and getent.
type container string

func (c container) lookup(ctx context.Context, name string) (found []string, err error) {
	out, err := docker(ctx, "exec", string(c), "getent", "ahostsv4", name)
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 2 {
		return nil, nil // there is no such name
	}
	for line := range strings.Lines(string(out)) {
		if words := strings.Fields(line); len(words) > 1 {
			found = append(found, words[0])
		}
	}
	slices.Sort(found)
	return slices.Compact(found), err
}

// through connects to the host and port that it is given, and passes on what comes from either side.
const through = `exec 3<>"/dev/tcp/$0/$1" || exit; cat <&3 & cat >&3; kill $! 2>/dev/null`

// DialContext connects from within the container. The connection is a process there, which ends with it.
func (c container) DialContext(_ context.Context, _, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("docker", "exec", "-i", string(c), "bash", "-c", through, host, port)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p := &pipe{in: in, out: out, cmd: cmd, address: address}
	cmd.Stderr = &p.stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return p, nil
}

// pipe is a connection whose ends are a command's. Its deadlines are none: who uses it has a context.
type pipe struct {
	in      io.WriteCloser
	out     io.Reader
	cmd     *exec.Cmd
	stderr  bytes.Buffer // of the command; whole once it has ended
	address string
	ending  sync.Once
	heard   bool // anything was read
}

func (p *pipe) Write(b []byte) (int, error) { return p.in.Write(b) }

// Read reads what comes from the other side. Where nothing did, its error has what the command complained of.
func (p *pipe) Read(b []byte) (int, error) {
	n, err := p.out.Read(b)
	p.heard = p.heard || n > 0
	if err == nil || p.heard {
		return n, err
	}
	p.end()
	if complaint := firstLine(p.stderr.Bytes()); complaint != "" {
		return n, fmt.Errorf("%s: %s", p.address, complaint)
	}
	return n, err
}

// Close ends the process in the container by the end of its input, and the command here, should that not end then.
func (p *pipe) Close() error {
	err := p.in.Close()
	go p.end()
	return err
}

// end returns once the command has ended.
func (p *pipe) end() {
	p.ending.Do(func() {
		p.in.Close()
		kill := time.AfterFunc(time.Second, func() { _ = p.cmd.Process.Kill() })
		_ = p.cmd.Wait() // whatever it says of the end
		kill.Stop()
	})
}

func (p *pipe) LocalAddr() net.Addr              { return pipeAddr("docker exec") }
func (p *pipe) RemoteAddr() net.Addr             { return pipeAddr(p.address) }
func (p *pipe) SetDeadline(time.Time) error      { return nil }
func (p *pipe) SetReadDeadline(time.Time) error  { return nil }
func (p *pipe) SetWriteDeadline(time.Time) error { return nil }

type pipeAddr string

func (pipeAddr) Network() string  { return "tcp" }
func (a pipeAddr) String() string { return string(a) }
