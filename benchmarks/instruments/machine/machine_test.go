package machine_test

import (
	"bufio"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/machine"
)

// TestCPU works for 30 ms of processor time, as getrusage counts it.
func TestCPU(t *testing.T) {
	before, err := machine.CPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	began := used(t)
	for used(t)-began < 30*time.Millisecond {
	}
	outer := used(t) - began
	after, err := machine.CPU(os.Getpid())
	if got := after - before; err != nil || got < 30*time.Millisecond || got > outer+20*time.Millisecond {
		t.Errorf("30 ms of work took %v of processor time, %v", got, err)
	}
}

func used(t *testing.T) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func TestCPUOfAnother(t *testing.T) {
	cmd := exec.Command("sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; read line")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var got time.Duration
	deadline := time.Now().Add(time.Minute)
	for ; got < time.Millisecond && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if got, err = machine.CPU(cmd.Process.Pid); err != nil {
			t.Fatal(err)
		}
	}
	stdin.Close()
	_ = cmd.Wait() // read finds the end
	if got < time.Millisecond {
		t.Errorf("a loop of a shell took %v", got)
	}
	if _, err := machine.CPU(cmd.Process.Pid); err == nil {
		t.Error("a process that has ended has no error")
	}
}

// TestTreeHasWhatEndedChildrenUsed has a process begin another one that computes, and wait for it: its time is the
// process's from then on.
func TestTreeHasWhatEndedChildrenUsed(t *testing.T) {
	cmd := exec.Command("bash", "-c", "(for ((i = 0; i < 300000; i++)); do :; done); echo ended; exec sleep 60")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(line, err)
	}
	own, err := machine.CPU(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	if tree, _, err := machine.Tree(cmd.Process.Pid); err != nil || tree < own+50*time.Millisecond {
		t.Errorf("with its child it has used %v, %v, and by itself %v", tree, err, own)
	}
}
