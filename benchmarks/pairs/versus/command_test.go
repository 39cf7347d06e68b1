package versus

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestFiguresAreKept(t *testing.T) {
	kept := filepath.Join(t.TempDir(), "kept.txt")
	figure := func(figure string, err error) error {
		return write("test", "go run ./benchmarks/test -n 1", kept, func(out io.Writer, dir string) error {
			fmt.Fprintln(out, figure)
			return err
		})
	}
	if err := figure("1.02 times", nil); err != nil {
		t.Fatal(err)
	}
	lost := errors.New("the server is lost")
	if err := figure("0.5 times", lost); !errors.Is(err, lost) {
		t.Errorf("a run that fails = %v, want its error", err)
	}
	text, err := os.ReadFile(kept)
	if err != nil {
		t.Fatal(err)
	}
	got := string(text)
	if !strings.HasPrefix(got, "# go run ./benchmarks/test -n 1\n# 20") ||
		!strings.HasSuffix(got, "share the machine\n1.02 times\n") {
		t.Errorf("the file has %q, want the command, the machine and the figure of the run that did not fail", got)
	}
}

// TestCtrlCEndsWhatWasBegun interrupts a run that waits for a process: the process is ended, and the run's folder is
// gone.
func TestCtrlCEndsWhatWasBegun(t *testing.T) {
	var folder string
	var process *exec.Cmd
	err := write("test", "go run ./benchmarks/test", "", func(_ io.Writer, dir string) error {
		folder, process = dir, exec.Command("sleep", "60")
		if err := process.Start(); err != nil {
			return err
		}
		if err := syscall.Kill(os.Getpid(), syscall.SIGINT); err != nil {
			return err
		}
		return process.Wait()
	})
	if err == nil || !strings.Contains(err.Error(), "interrupt") {
		t.Errorf("error = %v, want the signal", err)
	}
	if process.ProcessState == nil {
		t.Error("the process was not waited for")
	}
	if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its folder is there (%v)", err)
	}
}
