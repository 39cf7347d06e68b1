package servers

import (
	"bytes"
	"net"
	"path/filepath"
	"sync"
	"time"
)

// Wire carries connections to a server, and fails on request: it stands in for a network.
type Wire struct {
	// Addr is where to connect instead of the server.
	Addr string

	mu    sync.Mutex
	ln    net.Listener
	to    string
	moved sync.Cond // on mu: something was cut, hung or mended
	conns map[*wireConn]bool
	cut   bool          // connections are refused
	hung  bool          // nothing gets through, and no connection fails
	shuns []byte        // connections whose first bytes contain this are ended; nil for none
	loses []byte        // the response to a request that contains this is lost; nil for none
	lost  chan struct{} // closed when that happens
	far   time.Duration // how long everything takes one way
}

// wireConn is one connection.
type wireConn struct {
	client, server net.Conn
	begin          []byte // the first bytes that the client has sent
	bus            bool   // it has sent SUBSCRIBE
	hung           bool
	lost           chan struct{}
	mute           bool // the server's next response is dropped, and the connection ended
	closed         bool
}

// beginBytes is how much of a connection's beginning Shun looks at.
const beginBytes = 128

// StartWire carries connections to HOST:PORT, or to a socket file by its full path, until it is closed.
func StartWire(to string) (*Wire, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &Wire{Addr: ln.Addr().String(), ln: ln, to: to, conns: map[*wireConn]bool{}}
	w.moved.L = &w.mu
	go w.accept(ln)
	return w, nil
}

func (w *Wire) accept(ln net.Listener) {
	for {
		client, err := ln.Accept()
		if err != nil {
			return
		}
		w.mu.Lock()
		refuse := w.cut
		w.mu.Unlock()
		if refuse {
			client.Close()
			continue
		}
		go w.carry(client)
	}
}

func (w *Wire) carry(client net.Conn) {
	w.mu.Lock()
	to, network, far := w.to, "tcp", w.far
	w.mu.Unlock()
	if filepath.IsAbs(to) {
		network = "unix"
	}
	server, err := net.Dial(network, to)
	if err != nil {
		client.Close()
		return
	}
	if far > 0 {
		client, server = makeFar(client, far), makeFar(server, far)
	}
	c := &wireConn{client: client, server: server}
	w.mu.Lock()
	c.closed = w.cut
	w.conns[c] = true
	w.mu.Unlock()
	go w.pass(c, server, client, false)
	w.pass(c, client, server, true)
	w.mu.Lock()
	delete(w.conns, c)
	w.mu.Unlock()
}

// pass carries bytes one way until either side ends.
func (w *Wire) pass(c *wireConn, from, to net.Conn, asks bool) {
	defer from.Close()
	defer to.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		w.mu.Lock()
		if asks && bytes.Contains(bytes.ToLower(buffer[:min(n, 64)]), []byte("subscribe")) {
			c.bus = true
		}
		if asks && len(c.begin) < beginBytes {
			c.begin = append(c.begin, buffer[:min(n, beginBytes)]...)
		}
		if asks && w.shuns != nil && bytes.Contains(c.begin, w.shuns) {
			c.closed = true
		}
		if asks && w.loses != nil && bytes.Contains(buffer[:n], w.loses) {
			c.mute, c.lost, w.loses = true, w.lost, nil
		}
		for (w.hung || c.hung) && !c.closed {
			w.moved.Wait()
		}
		closed := c.closed || c.mute && !asks
		if closed && c.lost != nil {
			close(c.lost)
			c.lost = nil
		}
		w.mu.Unlock()
		if closed {
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// each changes the wire, and the connections that pick picks.
func (w *Wire) each(pick func(*wireConn) bool, change func(*wireConn)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.conns {
		if pick(c) {
			change(c)
			if c.closed {
				c.client.Close()
				c.server.Close()
			}
		}
	}
	w.moved.Broadcast()
}

func all(*wireConn) bool     { return true }
func isBus(c *wireConn) bool { return c.bus }
func closeIt(c *wireConn)    { c.closed = true }
func (w *Wire) set(cut, hung bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut, w.hung, w.shuns = cut, hung, nil
}

// Cut ends all connections and refuses new ones.
func (w *Wire) Cut() {
	w.set(true, false)
	w.each(all, closeIt)
}

// Hang lets nothing through, without an error; what is on its way arrives after Mend.
func (w *Wire) Hang() { w.set(false, true) }

// Shun ends the connections that begin with something that holds these words, and those that come to, until Mend. All
// others get through.
func (w *Wire) Shun(words string) {
	w.mu.Lock()
	w.shuns = []byte(words)
	w.mu.Unlock()
	w.each(func(c *wireConn) bool { return bytes.Contains(c.begin, []byte(words)) }, closeIt)
}

// Retarget leads new connections to another server, HOST:PORT. Those that are there stay with the old one.
func (w *Wire) Retarget(to string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.to = to
}

// MoveAway delays what new connections carry by roundTrip, there and back together.
func (w *Wire) MoveAway(roundTrip time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.far = roundTrip / 2
}

// LoseResponse lets the next request with these words reach the server, and ends its connection when the server
// responds. The channel that it returns is closed then.
func (w *Wire) LoseResponse(words string) (lost <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.loses, w.lost = []byte(words), make(chan struct{})
	return w.lost
}

// CutBus ends the connections that have subscribed to something.
func (w *Wire) CutBus() { w.each(isBus, closeIt) }

// HangBus lets nothing through on the connections that have subscribed to something, until Mend.
func (w *Wire) HangBus() { w.each(isBus, func(c *wireConn) { c.hung = true }) }

// HangOpen lets nothing through on the connections that are there, until Mend; others get through.
func (w *Wire) HangOpen() { w.each(all, func(c *wireConn) { c.hung = true }) }

// Mend ends all failures. Connections that were ended stay so.
func (w *Wire) Mend() {
	w.set(false, false)
	w.each(all, func(c *wireConn) { c.hung = false })
}

// Refuse ends all connections and has nobody listen, as where there is no server, until Listen.
func (w *Wire) Refuse() { w.Close() }

// Listen ends Refuse.
func (w *Wire) Listen() (err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ln, err = net.Listen("tcp", w.Addr); err == nil {
		go w.accept(w.ln)
	}
	return err
}

// Close ends the wire.
func (w *Wire) Close() {
	w.mu.Lock()
	w.ln.Close()
	w.mu.Unlock()
	w.each(all, closeIt)
}
