package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/servers"
)

func TestStall(t *testing.T) {
	behind := status{primary: true, seqno: 7}
	on := behind
	on.seqno++
	for name, c := range map[string]struct {
		then status
		ok   bool
		want bool
	}{
		"it stands still":                {behind, true, true},
		"it gets on":                     {on, true, false},
		"it is silent":                   {behind, false, false},
		"it has come up":                 {status{primary: true, seqno: 7, synced: true}, true, false},
		"it sends its data":              {status{primary: true, seqno: 7, donor: true}, true, false},
		"it is not part of the majority": {status{seqno: 7}, true, false},
	} {
		var s stall
		now := time.Now()
		if s.observe(behind, true, now) || s.observe(behind, true, now.Add(stallThreshold)) {
			t.Errorf("%s: it is given up at once", name)
		}
		if got := s.observe(c.then, c.ok, now.Add(stallThreshold+time.Second)); got != c.want {
			t.Errorf("%s: given up is %v, want %v", name, got, c.want)
		}
	}
}

// TestStalledTwice checks that a server keeps its data the first time that it gets nowhere, and not the second time.
func TestStalledTwice(t *testing.T) {
	n := &runner{cfg: config{DataDir: t.TempDir()}, log: slog.New(slog.DiscardHandler)}
	data := filepath.Join(n.cfg.DataDir, "ibdata1")
	for _, name := range []string{"ibdata1", "grastate.dat"} {
		if err := os.WriteFile(filepath.Join(n.cfg.DataDir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []bool{true, false} {
		s := mustStartSleeping(t)
		if err := n.stalled(s); err != nil {
			t.Fatal(err)
		}
		select {
		case <-s.done:
		case <-time.After(time.Minute):
			t.Fatal("the server goes on")
		}
		if _, err := os.Stat(data); (err == nil) != want {
			t.Errorf("its data is there: %v, want %v", err == nil, want)
		}
	}
}

// mustStartSleeping starts something that does nothing in the place of a server.
func mustStartSleeping(t *testing.T) *server {
	t.Helper()
	program := filepath.Join(t.TempDir(), "mariadbd")
	if err := servers.WriteScript(program, "#!/bin/sh\nexec sleep 1000\n"); err != nil {
		t.Fatal(err)
	}
	s, err := startServer(config{Mariadbd: program}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return s
}
