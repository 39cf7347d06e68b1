package serving

import (
	"errors"
	"log/slog"
	"os"
	"testing"
	"time"
)

// TestWhoTakesNothingIsLetGo sends without end to a client that reads nothing.
func TestWhoTakesNothingIsLetGo(t *testing.T) {
	ln := newListener(mustListen(t), newRoom(1, true), slog.Default())
	ln.stall = 500 * time.Millisecond
	mustDial(t, ln)
	c, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	failed := make(chan error, 1)
	go func() {
		var err error
		for err == nil {
			_, err = c.Write(make([]byte, 64<<10))
		}
		failed <- err
	}()
	select {
	case err := <-failed:
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Write: %v, want os.ErrDeadlineExceeded", err)
		}
	case <-time.After(30 * time.Second):
		t.Error("a write waits for a client that has taken nothing for 30 s")
	}
}

// TestWhoTakesLittleIsNotLetGo sends to a client that reads now and then, for many times as long as it may stall.
func TestWhoTakesLittleIsNotLetGo(t *testing.T) {
	ln := newListener(mustListen(t), newRoom(1, true), slog.Default())
	ln.stall = 200 * time.Millisecond
	client := mustDial(t, ln)
	c, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const size = 4 << 20
	sent := make(chan error, 1)
	go func() {
		_, err := c.Write(make([]byte, size))
		sent <- err
	}()
	for rest := size; rest > 0; time.Sleep(ln.stall / 2) {
		n, err := client.Read(make([]byte, 256<<10))
		if rest -= n; err != nil {
			t.Fatalf("the answer breaks off %d bytes before its end: %v", rest, err)
		}
	}
	if err := <-sent; err != nil {
		t.Errorf("Write: %v", err)
	}
}
