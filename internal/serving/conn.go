package serving

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/woodytoys/woodytoys/internal/framing"
)

// conn is a connection that has a place in a room, and gives it back when it is closed.
type conn struct {
	*framing.Conn
	room  *room
	idle  atomic.Int64  // since when it is idle, by now(); or busy, or ended
	stall time.Duration // how long the client may take nothing of what it is sent
	until int64         // the deadline for writing, by now(); 0 when it is not set
	reads arrival

	written, taken int64 // bytes written in all, and how many of them the client had taken when until was set
	close          sync.Once
	err            error
}

const (
	busy  int64 = 0
	ended int64 = -1 // closed to make room for another
)

var began = time.Now()

// now returns a time above zero, by a clock that only goes forward.
func now() int64 { return int64(time.Since(began)) + 1 }

// Read implements net.Conn. While it waits for the first byte of a request the connection is idle: fasthttp reads on
// only when all before is answered.
func (c *conn) Read(p []byte) (int, error) {
	t := now()
	if err := c.reads.bound(c.Conn, t); err != nil {
		return 0, err
	}
	if !c.AtRest() {
		return c.Conn.Read(p)
	}
	c.idle.Store(t)
	n, err := c.Conn.Read(p)
	if c.idle.Swap(busy) == ended {
		return 0, net.ErrClosed // fasthttp leaves without a response, as when Shutdown ends an idle connection
	}
	return n, err
}

// end ends the connection if it is still idle, since when it was seen to be. It is closed below: who serves it then
// finds it closed, closes it and gives its place back.
func (c *conn) end(since int64) {
	if c.idle.CompareAndSwap(since, ended) {
		c.NetConn().Close()
	}
}

// Write implements net.Conn. It has a deadline of its own, without which a write to one who does not read would wait
// for ever: the client is let go when it has taken nothing for stall, or at most three times as long. What counts is
// what the client has taken and not what the kernel has: that reports room for the next write only when a good part of
// its buffer is gone, which lasts with a slow reader, and may still take something when the client does not.
func (c *conn) Write(p []byte) (n int, err error) {
	for {
		c.boundWrite()
		m, err := c.Conn.Write(p[n:])
		n += m
		c.written += int64(m)
		if !errors.Is(err, os.ErrDeadlineExceeded) || c.written-unsent(c.NetConn()) <= c.taken {
			return n, err
		}
		c.until = 0
	}
}

// boundWrite moves the deadline for writing along, if it comes soon.
func (c *conn) boundWrite() {
	if t := now(); c.until-t < int64(c.stall) {
		c.until = t + int64(c.stall)*3/2
		c.taken = c.written - unsent(c.NetConn())
		_ = c.Conn.SetWriteDeadline(began.Add(time.Duration(c.until))) // fails only on a closed connection
	}
}

// SetWriteDeadline implements net.Conn, for the time until the next write.
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.until = 0
	return c.Conn.SetWriteDeadline(t)
}

// SetDeadline implements net.Conn, likewise.
func (c *conn) SetDeadline(t time.Time) error {
	c.until = 0
	return c.Conn.SetDeadline(t)
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.close.Do(func() {
		c.err = c.Conn.Close()
		c.room.leave(c)
	})
	return c.err
}
