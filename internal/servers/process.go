// Package servers starts real servers for tests and benchmarks: each on a private socket or port,
// with a data folder of its own, and ended with the process that started it.
package servers

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Process is a running program.
type Process struct {
	cmd  *exec.Cmd
	log  string
	done chan struct{} // closed once it has ended and was waited for
	err  error         // how it ended; read after done
}

// Start runs a program whose output goes to logFile, which is begun anew. The kernel ends it when this process dies,
// however that happens. SIGHUP ends it as it ends any program, though this one may have been started by nohup.
func Start(cmd *exec.Cmd, logFile string) (*Process, error) {
	HearHangups()
	out, err := os.OpenFile(logFile, os.O_CREATE|os.O_TRUNC|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid, cmd.SysProcAttr.Pdeathsig = true, syscall.SIGKILL
	p := &Process{cmd: cmd, log: logFile, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The death signal is bound to the thread that started the program: keep that thread.
		runtime.LockOSThread()
		if err := cmd.Start(); err != nil {
			started <- err
			return
		}
		started <- nil
		p.err = cmd.Wait()
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", filepath.Base(cmd.Path), err)
	}
	return p, nil
}

// HearHangups makes SIGHUP have its default effect in programs that are started from now on, though it is ignored here.
// What is sent to this process goes on being ignored.
var HearHangups = sync.OnceFunc(func() {
	if signal.Ignored(syscall.SIGHUP) {
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
})

// PID returns the process's id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Signal sends a signal; to a process that has ended it returns os.ErrProcessDone. After SIGSTOP it waits until every
// thread has stopped: on a busy machine some go on for a moment.
func (p *Process) Signal(signal syscall.Signal) error {
	err := p.cmd.Process.Signal(signal)
	if err == nil && signal == syscall.SIGSTOP {
		err = p.AwaitReady(Patience, p.stopped)
	}
	return err
}

// stopped returns an error if a thread of the process runs.
func (p *Process) stopped() error {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", p.PID()))
	for _, thread := range threads {
		stat, gone := os.ReadFile(thread)
		if gone != nil {
			continue
		}
		// "PID (name) T …", where the name may hold anything.
		if state := strings.Fields(
			string(stat[bytes.LastIndexByte(stat, ')')+1:]))[0]; !strings.Contains("TtZX", state) {
			return fmt.Errorf("a thread is in state %s, want T", state)
		}
	}
	return err
}

// Done returns a channel that is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Wait waits for the end and returns how it went: nil for exit status 0.
func (p *Process) Wait() error {
	<-p.done
	return p.err
}

// Kill ends the process at once (SIGKILL) and waits until it is gone.
func (p *Process) Kill() {
	_ = p.Signal(syscall.SIGKILL)
	<-p.done
}

// Stop asks the process to end (SIGTERM), and kills it if that takes longer than patience.
func (p *Process) Stop(patience time.Duration) {
	_ = p.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(patience):
		p.Kill()
	}
}

// Log returns what the process has printed so far.
func (p *Process) Log() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// AwaitReady asks ready every few milliseconds until it returns nil. It gives up, with the end of
// the process's output, when the process ends or patience is over.
func (p *Process) AwaitReady(patience time.Duration, ready func() error) error {
	deadline := time.Now().Add(patience)
	for {
		err := ready()
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s ended: %w\n%s", filepath.Base(p.cmd.Path), errors.Join(p.err, err), tail(p.Log()))
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s is not ready after %v: %w\n%s", filepath.Base(p.cmd.Path), patience, err,
				tail(p.Log()))
		}
	}
}

// Patience is how long a program may take to get ready, on a machine that is busy with others.
const Patience = 2 * time.Minute

// AwaitLog waits until the process has printed text, for up to two minutes.
func (p *Process) AwaitLog(text string) error {
	return p.AwaitReady(Patience, func() error {
		if !strings.Contains(p.Log(), text) {
			return fmt.Errorf("it has not printed %q", text)
		}
		return nil
	})
}

func tail(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-15):], "\n")
}

// LookPath finds a server program; Debian keeps them in /usr/sbin, which is not on every PATH.
func LookPath(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not installed: scripts/need installs it on Debian", name)
}
