package serving

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/framing"
)

// counted counts how often the deadline for reading is set.
type counted struct {
	net.Conn
	set int
}

func (c *counted) SetReadDeadline(t time.Time) error {
	c.set++
	return c.Conn.SetReadDeadline(t)
}

// mustPair returns the two ends of a connection: the one that fasthttp would have, and the client's.
func mustPair(t *testing.T) (c *conn, below *counted, client net.Conn) {
	t.Helper()
	ln := mustListen(t)
	client = mustDial(t, ln)
	accepted, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { accepted.Close() })
	below = &counted{Conn: accepted}
	return &conn{Conn: framing.NewConn(below), stall: callerStall, alone: true}, below, client
}

const wholeRequest = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

// TestABusyConnectionKeepsItsDeadline checks that a hundred requests within a minute, read as fasthttp does, set the
// connection's deadline once.
func TestABusyConnectionKeepsItsDeadline(t *testing.T) {
	c, below, client := mustPair(t)
	first := time.Now().Add(time.Hour)
	for i := range 100 {
		if _, err := io.WriteString(client, wholeRequest); err != nil {
			t.Fatal(err)
		}
		at := first.Add(time.Duration(i) * time.Minute / 100)
		c.SetReadDeadline(at)
		if _, err := io.ReadFull(c, make([]byte, len(wholeRequest))); err != nil {
			t.Fatal(err)
		}
		c.SetReadDeadline(at.Add(-time.Minute))
	}
	if below.set != 1 {
		t.Errorf("the deadline was set %d times for 100 requests, want once", below.set)
	}
}

// TestReadsEndInTime checks that a read ends at its deadline when deadlines come closer, are removed and are set again.
func TestReadsEndInTime(t *testing.T) {
	c, _, client := mustPair(t)
	mustRead := func(deadline time.Time) {
		t.Helper()
		if _, err := io.WriteString(client, wholeRequest[:1]); err != nil {
			t.Fatal(err)
		}
		c.SetReadDeadline(deadline)
		if _, err := c.Read(make([]byte, 1)); err != nil {
			t.Fatalf("a byte that has come: %v", err)
		}
		c.Conn = framing.NewConn(c.NetConn()) // before a request again
	}
	mustEnd := func() {
		t.Helper()
		deadline := time.Now().Add(20 * time.Millisecond)
		c.SetReadDeadline(deadline)
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Now().Before(deadline) {
			t.Errorf("a read of nothing: %v, %v before its deadline", err, time.Until(deadline))
		}
	}
	mustEnd()
	mustRead(time.Now().Add(time.Hour))
	mustEnd() // 20 ms are less than an hour
	mustRead(time.Time{})
	mustEnd()
	mustRead(time.Now().Add(time.Hour))
}
