package framing

import (
	"io"
	"net"
	"sync/atomic"
	"time"
)

// Conn is a server's connection on which only well-formed requests are read. Of a request that is not, Read returns the
// bytes before the fault, so that a parser never has it whole, and then its *Refusal as the error, each time it is
// called.
type Conn struct {
	net.Conn
	scanner Scanner
	refused *Refusal
	// a request has come in part, or was refused; atomic, since Close may be called from elsewhere
	midRequest atomic.Bool
}

// NewConn returns a Conn.
func NewConn(c net.Conn) *Conn { return &Conn{Conn: c} }

// Read implements net.Conn.
func (c *Conn) Read(p []byte) (int, error) {
	if c.refused != nil {
		return 0, c.refused
	}
	n, err := c.Conn.Read(p)
	good, refused := c.scanner.Scan(p[:n])
	if midRequest := refused != nil || !c.scanner.AtRest(); midRequest != c.midRequest.Load() {
		c.midRequest.Store(midRequest)
	}
	if refused == nil {
		return n, err
	}
	c.refused = refused
	// In the place of the fault stands a byte that ends nothing: fasthttp does not answer a connection on which it
	// has read nothing of a request, or only line ends.
	p[good] = 'x'
	return good + 1, nil
}

// AtRest reports whether the last request has come whole, and nothing of the next.
func (c *Conn) AtRest() bool { return !c.midRequest.Load() }

// Begun returns how many requests have begun to come.
func (c *Conn) Begun() uint64 { return c.scanner.Begun() }

// Refused returns why the connection takes no more requests; nil while it does.
func (c *Conn) Refused() *Refusal { return c.refused }

const (
	lingerTime  = time.Second
	lingerBytes = 1 << 20
)

// Close implements net.Conn. If the client may still be sending a request, which has been refused, it first tells the
// client that nothing more will come and reads on for a moment: else the client's system could throw away the response
// with the connection (RFC 9112 9.6).
func (c *Conn) Close() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok && c.midRequest.Load() && half.CloseWrite() == nil {
		_ = c.Conn.SetReadDeadline(time.Now().Add(lingerTime))
		_, _ = io.CopyN(io.Discard, c.Conn, lingerBytes)
	}
	return c.Conn.Close()
}

// NetConn returns the connection below.
func (c *Conn) NetConn() net.Conn { return c.Conn }
