// Package machine tells what a benchmark ran on, and what a process has used of it.
package machine

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Describe is one line: processor, kernel, Go and the project's revision. What cannot be found out
// is left out.
func Describe() string {
	parts := []string{fmt.Sprintf("%d x %s", runtime.NumCPU(), field("/proc/cpuinfo", "model name"))}
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		parts = append(parts, "Linux "+strings.TrimSpace(string(release)))
	}
	parts = append(parts, runtime.Version())
	if revision, err := exec.Command("git", "describe", "--always", "--dirty").Output(); err == nil {
		parts = append(parts, "revision "+strings.TrimSpace(string(revision)))
	}
	return strings.Join(parts, ", ")
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

// CPU is the processor time that a process has used, user and system, its threads together.
func CPU(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The program's name, in brackets, may hold spaces: count the fields behind it (proc(5)).
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	user, err := strconv.ParseInt(fields[11], 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * clockTick, err
}

// RSS is the memory that a process holds now, in bytes.
func RSS(pid int) (int64, error) {
	value := field(fmt.Sprintf("/proc/%d/status", pid), "VmRSS")
	kib, err := strconv.ParseInt(strings.TrimSuffix(value, " kB"), 10, 64)
	return kib << 10, err
}
