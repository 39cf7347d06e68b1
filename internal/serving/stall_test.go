package serving

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"
)

// TestWhoTakesNothingIsLetGo checks that a write to a client that reads nothing ends with an error.
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

// TestWhoTakesLittleIsNotLetGo sends to a client that reads now and then, for many times as long as it may stall. Where
// the machine was so busy that the client has taken nothing for as long, it may stall for longer the next time.
func TestWhoTakesLittleIsNotLetGo(t *testing.T) {
	for stall := 200 * time.Millisecond; ; stall *= 2 {
		pause, err := takeLittle(t, stall)
		if err == nil {
			return
		}
		if pause < stall {
			t.Fatalf("%v, and the client has not paused for longer than %v; it may for %v", err, pause, stall)
		}
	}
}

// takeLittle sends to a client that reads now and then, and returns the client's longest pause.
func takeLittle(t *testing.T, stall time.Duration) (pause time.Duration, err error) {
	t.Helper()
	ln := newListener(mustListen(t), newRoom(1, true), slog.Default())
	ln.stall = stall
	client := mustDial(t, ln)
	c, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const size = 4 << 20
	sent := make(chan error, 1)
	last := time.Now()
	go func() {
		_, err := c.Write(make([]byte, size))
		sent <- err
		if err != nil {
			c.Close() // or the client would wait for the rest
		}
	}()
	for rest := size; rest > 0; time.Sleep(stall / 2) {
		n, err := client.Read(make([]byte, 256<<10))
		pause, last = max(pause, time.Since(last)), time.Now()
		if rest -= n; err != nil {
			return pause, fmt.Errorf("it breaks off %d bytes before its end: %w", rest, errors.Join(<-sent, err))
		}
	}
	return pause, <-sent
}
