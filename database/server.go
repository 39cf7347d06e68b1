package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// server is a running mariadbd.
type server struct {
	cmd  *exec.Cmd
	done chan struct{} // closed once it has ended and was waited for
	err  error         // how it ended; read after done
}

// startServer starts mariadbd with the option file and more options. It ends with this program, however that ends.
func startServer(cfg config, log *slog.Logger, options ...string) (*server, error) {
	args := append([]string{"--defaults-file=" + cfg.optionPath(), "--user=" + cfg.osUser}, options...)
	cmd := exec.Command(cfg.Mariadbd, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	s := &server{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The death signal is bound to the thread that started the server: keep that thread.
		runtime.LockOSThread()
		if err := children.start(cmd); err != nil {
			started <- err
			return
		}
		log.Info("the server starts", "pid", cmd.Process.Pid, "options", strings.Join(options, " "))
		started <- nil
		s.err = cmd.Wait()
		children.remove(cmd.Process.Pid)
		close(s.done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	return s, nil
}

// stopTimeout is how long a server may take to end in order. The stack's grace is longer.
const stopTimeout = 50 * time.Second

// stop ends the server in order, so that its folder says how far its data goes; at once if that takes too long.
func (s *server) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.done:
	case <-time.After(stopTimeout):
		s.kill()
	}
}

// kill ends the server at once.
func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	<-s.done
}

// runServer runs mariadbd to its end and returns what it printed.
func runServer(ctx context.Context, cfg config, options ...string) (output string, err error) {
	var text strings.Builder
	args := append([]string{"--defaults-file=" + cfg.optionPath(), "--user=" + cfg.osUser}, options...)
	err = runChild(ctx, exec.CommandContext(ctx, cfg.Mariadbd, args...), &text)
	if err != nil {
		return text.String(), fmt.Errorf("%s %s: %w\n%s", cfg.Mariadbd, strings.Join(options, " "), err,
			lastLines(text.String(), 20))
	}
	return text.String(), nil
}

// runChild runs a program to its end, with its output to one place.
func runChild(ctx context.Context, cmd *exec.Cmd, output io.Writer) error {
	cmd.Stdout, cmd.Stderr = output, output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	if err := children.start(cmd); err != nil {
		return err
	}
	defer children.remove(cmd.Process.Pid)
	return cmd.Wait()
}

func lastLines(text string, n int) string {
	var lines []string
	for scanner := bufio.NewScanner(strings.NewReader(text)); scanner.Scan(); {
		lines = append(lines, scanner.Text())
	}
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
