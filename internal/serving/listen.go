package serving

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/woodytoys/woodytoys/internal/framing"
)

// Listen opens a TCP address for callers. Its error is one sentence, also where the port is taken.
//
// What is accepted gives well-formed requests only (see framing.Conn), ends when its client takes nothing of a response
// for 30 s, and takes no more than its part of the descriptors that the process may have. When all places are
// taken, connections that wait for their next request, or their first, give way, the longest idle first; where none is
// idle, who comes waits until a connection ends. While it cannot accept for want of anything, it is logged, once a
// second.
func Listen(addr string, log *slog.Logger) (net.Listener, error) {
	return listen(addr, forCallers, log)
}

// ListenForOperators is like Listen, for a port that callers do not reach. It has a few places of its own, and nobody
// gives way there.
func ListenForOperators(addr string, log *slog.Logger) (net.Listener, error) {
	return listen(addr, forOperators, log)
}

func listen(addr string, room *room, log *slog.Logger) (net.Listener, error) {
	ln, err := net.Listen("tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("the port of %s is taken by another program", addr)
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("listening on %s is not allowed to this user; choose a port above 1023", addr)
	case err != nil:
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	return newListener(ln, room, log), nil
}

// callerStall is how long a client may take nothing of what it is sent.
const callerStall = 30 * time.Second

func newListener(ln net.Listener, room *room, log *slog.Logger) *listener {
	return &listener{Listener: ln, room: room, stall: callerStall, log: log, closed: make(chan struct{})}
}

// listener is a net.Listener that outlasts a want of descriptors.
type listener struct {
	net.Listener
	room     *room
	stall    time.Duration
	patience patience
	log      *slog.Logger
	loggedAt time.Time // when that was logged last
	close    sync.Once
	closed   chan struct{}
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	below, err := l.acceptBelow()
	if err != nil {
		return nil, err
	}
	if err := l.takePlace(); err != nil {
		below.Close()
		return nil, err
	}
	c := &conn{Conn: framing.NewConn(below), room: l.room, stall: l.stall, reads: arrival{patience: l.patience}}
	l.room.enter(c)
	return c, nil
}

// acceptBelow accepts, again and again while something is wanting for it.
func (l *listener) acceptBelow() (net.Conn, error) {
	for pause := acceptPause; ; pause = min(2*pause, time.Second) {
		c, err := l.Listener.Accept()
		if err == nil || !isWant(err) {
			return c, err
		}
		l.say("cannot accept a connection, trying again", "err", err)
		select {
		case <-time.After(pause):
		case <-l.closed:
			return nil, net.ErrClosed
		}
	}
}

// acceptPause is the first pause after an accept that failed; each further one is twice as long, up to a second.
const acceptPause = 5 * time.Millisecond

// isWant reports whether an accept failed for want of something that may be there again later.
func isWant(err error) bool {
	for _, want := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM} {
		if errors.Is(err, want) {
			return true
		}
	}
	return false
}

// takePlace waits for a place for one more connection.
func (l *listener) takePlace() error {
	select {
	case l.room.places <- struct{}{}:
		return nil
	default:
	}
	for {
		l.say("all connections are taken, others wait", "connections", l.room.size)
		if l.room.endsIdle {
			l.room.endIdle()
		}
		select {
		case l.room.places <- struct{}{}:
			return nil
		case <-l.closed:
			return net.ErrClosed
		case <-time.After(lookEvery):
		}
	}
}

// lookEvery is how often idle connections are looked for while somebody waits.
const lookEvery = 50 * time.Millisecond

// sayEvery is how often a want is logged at most.
const sayEvery = time.Second

func (l *listener) say(what string, args ...any) {
	if time.Since(l.loggedAt) >= sayEvery {
		l.loggedAt = time.Now()
		l.log.Warn(what, args...)
	}
}

// Close implements net.Listener.
func (l *listener) Close() error {
	l.close.Do(func() { close(l.closed) })
	return l.Listener.Close()
}
