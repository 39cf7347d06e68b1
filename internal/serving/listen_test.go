package serving

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// fakeWant is a listener whose accepts fail for want of something, some times.
type fakeWant struct {
	net.Listener
	fails []error
}

func (f *fakeWant) Accept() (net.Conn, error) {
	if len(f.fails) == 0 {
		return f.Listener.Accept()
	}
	err := f.fails[0]
	f.fails = f.fails[1:]
	return nil, &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", err)}
}

func mustListen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln
}

func mustDial(t *testing.T, ln net.Listener) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestAcceptOutlastsWants(t *testing.T) {
	var log bytes.Buffer
	below := mustListen(t)
	wanting := &fakeWant{below, []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM}}
	ln := newListener(wanting, newRoom(1, true), slog.New(slog.NewTextHandler(&log, nil)))
	mustDial(t, below)
	began := time.Now()
	if _, err := ln.Accept(); err != nil {
		t.Errorf("Accept: %v, want the connection that came after the wants", err)
	}
	took := time.Since(began) // longer than a second on a busy machine
	if logged := strings.Count(log.String(), "too many open files"); logged != 1 && (took < sayEvery || logged == 0) {
		t.Errorf("the log tells of it %d times within a second, want once:\n%s", logged, log.String())
	}
}

func TestAcceptGivesOtherErrorsOn(t *testing.T) {
	ln := newListener(&fakeWant{mustListen(t), []error{syscall.EINVAL}}, newRoom(1, true), slog.Default())
	if _, err := ln.Accept(); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("Accept: %v, want EINVAL", err)
	}
	if n := len(ln.room.places); n > 0 {
		t.Error("the failed accept holds a place")
	}
}

// signalHandler is a log handler that signals each record.
type signalHandler struct {
	slog.Handler
	logged chan struct{}
}

func (s signalHandler) Enabled(context.Context, slog.Level) bool { return true }

func (s signalHandler) Handle(context.Context, slog.Record) error {
	select {
	case s.logged <- struct{}{}:
	default:
	}
	return nil
}

func TestConnectionsAreBounded(t *testing.T) {
	below := mustListen(t)
	logged := make(chan struct{}, 1)
	ln := newListener(below, newRoom(1, true), slog.New(signalHandler{slog.DiscardHandler, logged}))
	mustDial(t, below)
	mustDial(t, below)
	first, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	var second sync.WaitGroup
	second.Go(func() {
		if _, err := ln.Accept(); err != nil {
			t.Errorf("Accept once there was room: %v", err)
		}
	})
	<-logged // it waits
	first.Close()
	first.Close() // gives back one place
	second.Wait()
	mustDial(t, below)
	second.Go(func() {
		if _, err := ln.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept without room, on a listener that is closed: %v, want net.ErrClosed", err)
		}
	})
	ln.Close()
	second.Wait()
}
