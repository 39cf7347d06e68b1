package main

import (
	"log/slog"
	"os"
	"syscall"
	"testing"
	"time"
)

// TestLongAServerHangs checks that a server is ended that, while it joins, takes connections until its queue of them is
// full, and never responds, though it takes no more of them by then.
func TestLongAServerHangs(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "woody-hang") // short: a socket's path may have 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	cfg := config{DataDir: dir, RunDir: dir, Node: "database", osUser: "root",
		order: []node{{name: "database"}, {name: "database2"}, {name: "database3"}}}
	mustListenAndHang(t, cfg.socket())
	log := slog.New(slog.DiscardHandler)
	n := &runner{cfg: cfg, log: log, peers: newPeers(nil, "1"), commands: make(chan decision), begun: time.Now()}
	n.enter(starting, "joins")
	m, err := newMonitor(cfg)
	if err != nil {
		t.Fatal(err)
	}
	go m.run(t.Context(), log)
	n.watch(m)
	ended := make(chan error, 1)
	go func() { ended <- n.accompany(t.Context(), mustStartSleeping(t), m, bootstrap) }()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(3 * hangThreshold):
		t.Error("it goes on")
	}
}

// mustListenAndHang listens on a socket for as long as the test lasts, and accepts nothing.
func mustListenAndHang(t *testing.T, socket string) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: socket}); err != nil {
		t.Fatal(err)
	}
	const queue = 4
	if err := syscall.Listen(fd, queue); err != nil {
		t.Fatal(err)
	}
}
