package serving

import (
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/woodytoys/woodytoys/internal/framing"
)

// conn is a connection that has a place in a room, and gives it back when it is closed.
type conn struct {
	*framing.Conn
	room  *room
	idle  atomic.Int64 // since when, by now; busy or ended
	close sync.Once
	err   error
}

const (
	busy  int64 = 0
	ended int64 = -1 // to make room
)

var began = time.Now()

// now returns a time above zero, by a clock that only goes forward.
func now() int64 { return int64(time.Since(began)) + 1 }

// Read implements net.Conn. While it waits for the first byte of a request the connection is idle: fasthttp reads on
// only when all before is answered.
func (c *conn) Read(p []byte) (int, error) {
	if !c.AtRest() {
		return c.Conn.Read(p)
	}
	c.idle.Store(now())
	n, err := c.Conn.Read(p)
	if c.idle.Swap(busy) == ended {
		return 0, net.ErrClosed // fasthttp leaves without an answer, as when Shutdown ends an idle connection
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

// Close implements net.Conn.
func (c *conn) Close() error {
	c.close.Do(func() {
		c.err = c.Conn.Close()
		c.room.leave(c)
	})
	return c.err
}
