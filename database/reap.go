package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// processes are the children that somebody waits for.
type processes struct {
	mu   sync.Mutex
	pids map[int]bool
}

var children = processes{pids: map[int]bool{}}

// start starts a child of which remove is called once it was waited for.
func (p *processes) start(cmd *exec.Cmd) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := cmd.Start()
	if err == nil {
		p.pids[cmd.Process.Pid] = true
	}
	return err
}

func (p *processes) remove(pid int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.pids, pid)
}

// reapOrphans waits for ended processes that nobody else waits for, until ctx ends. The first process of a container
// inherits those whose parent ended: those of a state transfer, for one.
func reapOrphans(ctx context.Context) {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	defer signal.Stop(ended)
	for {
		select {
		case <-ctx.Done():
			return
		case <-ended:
			for _, pid := range zombies() {
				children.reap(pid)
			}
		}
	}
}

// reap waits for an ended process, unless somebody else does.
func (p *processes) reap(pid int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.pids[pid] {
		_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
	}
}

// zombies returns this process's children that have ended.
func zombies() (pids []int) {
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		// "PID (name) STATE PARENT …", where the name may hold anything.
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		if len(fields) > 1 && fields[0] == "Z" && fields[1] == strconv.Itoa(os.Getpid()) {
			var pid int
			if _, err := fmt.Sscan(string(stat), &pid); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}
