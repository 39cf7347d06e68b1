package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// lock is held by the one autoscaler that a stack may have: a config of the Swarm, which only one can make. Its labels
// name the holder; no container gets it.
type lock struct {
	name string
	id   string // of the config that this process has made
}

const (
	holderHost = "woody.autoscaler.host"
	holderPID  = "woody.autoscaler.pid"
)

// take makes the lock. One that a process of this machine left, which has ended, is taken over; any other is an error.
func (l *lock) take(ctx context.Context) error {
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	for range 2 {
		if err = l.make(ctx, host); err == nil {
			return nil
		}
		text, unknown := docker(ctx, "config", "inspect", "--format",
			fmt.Sprintf("{{index .Spec.Labels %q}} {{index .Spec.Labels %q}} {{.ID}} {{.CreatedAt}}", holderHost,
				holderPID), l.name)
		if unknown != nil {
			return err // it is not there, and cannot be made
		}
		holder, rest, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
		pid, rest, _ := strings.Cut(rest, " ")
		id, since, _ := strings.Cut(rest, " ")
		if holder != host || isAutoscaler(pid) {
			return fmt.Errorf("an autoscaler of this stack runs already: process %s on %s, since %s. End it first; "+
				"if it is no more, docker config rm %s", pid, holder, since, l.name)
		}
		// By its id: under its name there may be another's by now. That it is gone already is seen next.
		docker(ctx, "config", "rm", id)
	}
	return err
}

func (l *lock) make(ctx context.Context, host string) error {
	id, err := dockerWith(ctx, "of scripts/autoscale\n", "config", "create", "--label", holderHost+"="+host,
		"--label", fmt.Sprintf("%s=%d", holderPID, os.Getpid()), l.name, "-")
	l.id = strings.TrimSpace(string(id))
	return err
}

// errLost is a lock that is this process's no more: whoever removed it may have begun another autoscaler.
var errLost = errors.New("somebody has removed this autoscaler's lock, while it stood still perhaps: it ends")

// held returns nil while the lock is there, errLost once it is not, and another error where that cannot be known.
func (l *lock) held(ctx context.Context) error {
	id, err := docker(ctx, "config", "ls", "--quiet", "--filter", "id="+l.id)
	if err == nil && strings.TrimSpace(string(id)) == "" {
		return errLost
	}
	return err
}

// give removes the lock, unless it is another's by now.
func (l *lock) give(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	_, err := docker(ctx, "config", "rm", l.id)
	return err
}

// isAutoscaler reports whether pid is another process of this machine that is an autoscaler, or may be one.
func isAutoscaler(pid string) bool {
	n, err := strconv.Atoi(pid)
	if err != nil || n == os.Getpid() || syscall.Kill(n, 0) == syscall.ESRCH {
		return false
	}
	command, err := os.ReadFile("/proc/" + pid + "/comm")
	return err != nil || strings.HasPrefix(string(command), "autoscale")
}
