package serving

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// asProcess is set in the environment of a process that is to wait for a signal, say so, and end with its input.
const asProcess = "WOODY_TEST_UNTIL_SIGNAL"

func TestMain(m *testing.M) {
	if os.Getenv(asProcess) == "" {
		servers.HearHangups()
		os.Exit(m.Run())
	}
	ctx, stop := UntilSignal(context.Background())
	_ = stop // the signals stay: a SIGHUP may still be on its way when the input has ended
	fmt.Println("waiting")
	<-ctx.Done()
	fmt.Fprintln(os.Stderr, "draining") // nobody reads it
	fmt.Println("draining")
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// waiting is a process that waits for a signal.
type waiting struct {
	*exec.Cmd
	t     *testing.T
	input io.Closer
	lines *bufio.Scanner
}

// mustWaitForSignal starts one with a shell's line before it.
func mustWaitForSignal(t *testing.T, before string) *waiting {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	w := &waiting{Cmd: exec.Command("sh", "-c", before+"exec "+self), t: t}
	w.Env = append(os.Environ(), asProcess+"=1")
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	read.Close()
	defer write.Close()
	w.Stderr = write
	input, inputErr := w.StdinPipe()
	output, outputErr := w.StdoutPipe()
	if err := errors.Join(inputErr, outputErr, w.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Process.Kill(); _ = w.Wait() })
	w.input, w.lines = input, bufio.NewScanner(output)
	w.mustSay("waiting")
	return w
}

func (w *waiting) mustSay(want string) {
	w.t.Helper()
	if !w.lines.Scan() || w.lines.Text() != want {
		w.t.Fatalf("the process said %q (%v), want %q", w.lines.Text(), w.lines.Err(), want)
	}
}

func (w *waiting) mustSignal(signal syscall.Signal) {
	w.t.Helper()
	if err := w.Process.Signal(signal); err != nil {
		w.t.Fatal(err)
	}
}

// TestUntilSignal sends each signal, then a SIGHUP more, as whoever closes a terminal does. The process still ends by
// itself.
func TestUntilSignal(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		t.Run(signal.String(), func(t *testing.T) {
			w := mustWaitForSignal(t, "")
			w.mustSignal(signal)
			w.mustSay("draining")
			w.mustSignal(syscall.SIGHUP)
			w.input.Close()
			if err := w.Wait(); err != nil {
				t.Errorf("it ended with %v, want exit status 0", err)
			}
		})
	}
}

// TestASecondSignalEndsAtOnce sends SIGTERM, and again until it ends: the first of those may come too early.
func TestASecondSignalEndsAtOnce(t *testing.T) {
	w := mustWaitForSignal(t, "")
	w.mustSignal(syscall.SIGTERM)
	w.mustSay("draining")
	ended := make(chan error, 1)
	go func() { ended <- w.Wait() }()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		select {
		case err := <-ended:
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
				t.Errorf("it ended with %v, want the end by SIGTERM", err)
			}
			return
		case <-time.After(10 * time.Millisecond):
			_ = w.Process.Signal(syscall.SIGTERM)
		}
	}
	t.Error("it does not end")
}

// TestNohup starts the process with SIGHUP ignored, and asks the kernel whether it still is.
func TestNohup(t *testing.T) {
	for before, ignored := range map[string]string{"": "0", "trap '' HUP; ": "1"} {
		w := mustWaitForSignal(t, before)
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", w.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		_, mask, _ := strings.Cut(string(status), "SigIgn:\t")
		if mask, _, _ = strings.Cut(mask, "\n"); len(mask) < 1 || mask[len(mask)-1:] != ignored {
			t.Errorf("started with %q, the process ignores the signals %q, want the last digit %s",
				before, mask, ignored)
		}
	}
}
