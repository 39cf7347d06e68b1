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

// Listen opens a TCP address. Its error is one sentence that says when the port is taken.
//
// What is accepted gives well-formed requests only (see framing.Conn), and takes no more than its part of the
// descriptors that the process may have: callers beyond it wait until a connection ends. While it cannot accept for want
// of anything, log is told, once a second.
func Listen(addr string, log *slog.Logger) (net.Listener, error) {
	ln, err := net.Listen("tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("the port of %s is taken by another program", addr)
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("listening on %s is not allowed to this user; choose a port above 1023", addr)
	case err != nil:
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	return &listener{Listener: ln, room: connections, log: log, closed: make(chan struct{})}, nil
}

// listener is a net.Listener that outlasts a want of descriptors.
type listener struct {
	net.Listener
	room   *room
	log    *slog.Logger
	said   time.Time // when log was told last
	close  sync.Once
	closed chan struct{}
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	if err := l.enter(); err != nil {
		return nil, err
	}
	for pause := acceptPause; ; pause = min(2*pause, time.Second) {
		c, err := l.Listener.Accept()
		switch {
		case err == nil:
			return &conn{Conn: framing.NewConn(c), room: l.room}, nil
		case !isWant(err):
			l.room.leave()
			return nil, err
		}
		l.say("cannot accept a connection, trying again", "err", err)
		select {
		case <-time.After(pause):
		case <-l.closed:
			l.room.leave()
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

// enter waits for room for one more connection.
func (l *listener) enter() error {
	if l.room.tryEnter() {
		return nil
	}
	for {
		l.say("all connections are taken, others wait", "connections", l.room.size)
		select {
		case l.room.places <- struct{}{}:
			return nil
		case <-l.closed:
			return net.ErrClosed
		case <-time.After(sayEvery):
		}
	}
}

// sayEvery is how often a want is logged at most.
const sayEvery = time.Second

func (l *listener) say(what string, args ...any) {
	if time.Since(l.said) >= sayEvery {
		l.said = time.Now()
		l.log.Warn(what, args...)
	}
}

// Close implements net.Listener.
func (l *listener) Close() error {
	l.close.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// conn gives its place back when it is closed.
type conn struct {
	*framing.Conn
	room  *room
	close sync.Once
	err   error
}

func (c *conn) Close() error {
	c.close.Do(func() {
		c.err = c.Conn.Close()
		c.room.leave()
	})
	return c.err
}
