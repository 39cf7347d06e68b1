package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// startChild starts a program that ends with this one, however that ends. Ended gives how it went.
func startChild(cmd *exec.Cmd) (ended <-chan error, err error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started, done := make(chan error), make(chan error, 1)
	go func() {
		// The death signal is bound to the thread that started the program: keep that thread.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			done <- cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", filepath.Base(cmd.Path), err)
	}
	return done, nil
}

// runChild runs a program to its end. The error has the end of its output.
func runChild(ctx context.Context, cmd *exec.Cmd) error {
	var printed bytes.Buffer
	if cmd.Stderr == nil {
		cmd.Stderr = &printed
	}
	if cmd.Stdout == nil {
		cmd.Stdout = &printed
	}
	cmd.WaitDelay = 5 * time.Second // what it has printed is read late where this machine is busy
	ended, err := startChild(cmd)
	if err != nil {
		return err
	}
	select {
	case err = <-ended:
	case <-ctx.Done():
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-ended
		err = ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Path), err, tail(printed.String()))
	}
	return nil
}

// output returns what a program prints.
func output(ctx context.Context, cmd *exec.Cmd) ([]byte, error) {
	var out bytes.Buffer
	cmd.Stdout = &out
	err := runChild(ctx, cmd)
	return out.Bytes(), err
}

// runPair runs two programs to their end, the second of which reads what the first prints.
func runPair(ctx context.Context, from, to *exec.Cmd) error {
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	from.Stdout, to.Stdin, to.Stdout = write, read, io.Discard
	first := make(chan error, 1)
	go func() {
		first <- runChild(ctx, from)
		write.Close()
	}()
	second := runChild(ctx, to)
	read.Close()
	if second != nil {
		cancel()
	}
	err = <-first
	if second != nil && (errors.Is(err, context.Canceled) || strings.Contains(fmt.Sprint(err), "broken pipe")) {
		err = nil // it ended because the other one did
	}
	return errors.Join(err, second)
}

// tail returns the last few lines of a text as one.
func tail(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-6):], "; ")
}
