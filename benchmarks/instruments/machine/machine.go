// Package machine describes what a benchmark ran on, and what a process has used of it.
package machine

import (
	"bytes"
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Describe returns one line: processor, kernel, Go and the project's revision. What cannot be found out
// is left out.
func Describe() string {
	parts := []string{fmt.Sprintf("%d x %s", runtime.NumCPU(), field("/proc/cpuinfo", "model name"))}
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		parts = append(parts, "Linux "+strings.TrimSpace(string(release)))
	}
	parts = append(parts, runtime.Version())
	if revision := Revision(); revision != "" {
		parts = append(parts, "revision "+revision)
	}
	return strings.Join(parts, ", ")
}

// Revision returns the project's revision, or "" outside of its repository, with -dirty behind it where files differ
// from it: also such as git does not know yet, which are compiled too. Results that were kept do not count.
func Revision() string {
	revision, err := exec.Command("git", "describe", "--always").Output()
	if err != nil {
		return ""
	}
	dirty := ""
	if changed, err := exec.Command("git", "status", "--porcelain", "--untracked-files=all", "--", ":/",
		":(top,exclude)benchmarks/results").Output(); err != nil || len(changed) > 0 {
		dirty = "-dirty"
	}
	return strings.TrimSpace(string(revision)) + dirty
}

// RevisionOf returns the revision that a Go program was built from, as the program itself has it: seven digits, with
// -dirty behind them where files differed from it. It is "" where the program does not have it.
func RevisionOf(program string) string {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return ""
	}
	var revision, dirty string
	for _, setting := range info.Settings {
		switch {
		case setting.Key == "vcs.revision":
			revision = setting.Value[:min(7, len(setting.Value))]
		case setting.Key == "vcs.modified" && setting.Value == "true":
			dirty = "-dirty"
		}
	}
	if revision == "" {
		return ""
	}
	return revision + dirty
}

func field(file, name string) string {
	text, _ := os.ReadFile(file)
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "processor"
}

// clockTick is what Linux counts processor time in for user space, on every architecture Go has.
const clockTick = 10 * time.Millisecond

// CPU returns the processor time that a process has used, user and system, its threads together, those that have ended
// too.
func CPU(pid int) (time.Duration, error) {
	// A process has a clock of its own, which is named by its id (clock_getcpuclockid(3)): finer than /proc, which
	// counts in ticks of 10 ms.
	const scheduled = 2
	var ran unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|scheduled), &ran); err != nil {
		return 0, fmt.Errorf("the processor time of process %d: %w", pid, err)
	}
	return time.Duration(ran.Nano()), nil
}

// RSS returns the memory that a process holds now, in bytes.
func RSS(pid int) (int64, error) {
	value := field(fmt.Sprintf("/proc/%d/status", pid), "VmRSS")
	kib, err := strconv.ParseInt(strings.TrimSuffix(value, " kB"), 10, 64)
	return kib << 10, err
}

// Tree returns what a process and those that it began have used and hold now: processor time, and resident
// memory in bytes, which counts what they share once for each. Of those that have ended it has the time of those that
// were waited for, in ticks; it is an error where the process itself has ended.
func Tree(pid int) (cpu time.Duration, rss int64, err error) {
	if cpu, err = CPU(pid); err != nil {
		return 0, 0, err
	}
	cpu += waitedFor(pid)
	rss, _ = RSS(pid)
	for _, child := range children(pid) {
		if childCPU, childRSS, err := Tree(child); err == nil {
			cpu, rss = cpu+childCPU, rss+childRSS
		}
	}
	return cpu, rss, nil
}

// waitedFor returns the processor time of the processes that a process began, that have ended and that it has waited
// for, with what they waited for.
func waitedFor(pid int) time.Duration {
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	// The name, in brackets, may hold anything. Behind it is the third field: cutime and cstime are the 16th and 17th.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 15 {
		return 0
	}
	user, _ := strconv.ParseInt(fields[13], 10, 64)
	system, _ := strconv.ParseInt(fields[14], 10, 64)
	return time.Duration(user+system) * clockTick
}

// children returns the processes that a process began and that still run.
func children(pid int) (pids []int) {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, task := range tasks {
		text, _ := os.ReadFile(task)
		for child := range strings.FieldsSeq(string(text)) {
			if id, err := strconv.Atoi(child); err == nil {
				pids = append(pids, id)
			}
		}
	}
	return pids
}

// KillChildren kills the processes that this one began.
func KillChildren() {
	for _, child := range children(os.Getpid()) {
		_ = unix.Kill(child, unix.SIGKILL) // it may have ended just now
	}
}

// Facts returns the parts of Describe one by one.
func Facts() (cpus int, model, kernel string, memoryBytes int64) {
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	kib, _ := strconv.ParseInt(strings.TrimSuffix(field("/proc/meminfo", "MemTotal"), " kB"), 10, 64)
	return runtime.NumCPU(), field("/proc/cpuinfo", "model name"), strings.TrimSpace(string(release)), kib << 10
}

// Busy returns the processor time that everything on this machine has used since it began, and what a host
// took from it; zero where that is not reported.
func Busy() (busy time.Duration) {
	text, _ := os.ReadFile("/proc/stat")
	line, _, _ := strings.Cut(string(text), "\n")
	for i, word := range strings.Fields(line) {
		ticks, err := strconv.ParseInt(word, 10, 64)
		if err == nil && i != 4 && i != 5 && i < 9 { // not idle, not waiting for a disk; guests are in user's
			busy += time.Duration(ticks) * clockTick
		}
	}
	return busy
}
