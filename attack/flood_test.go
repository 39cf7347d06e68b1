//go:build attack

package attack

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

func params(id uint32, block []byte, end bool) http2.HeadersFrameParam {
	return http2.HeadersFrameParam{StreamID: id, BlockFragment: block, EndHeaders: true, EndStream: end}
}

// flood sends on connections until each has been closed or has sent n times, and returns how often they have.
func flood(t *testing.T, s *Shop, conns, n int, send func(c *stream, i int) error) (sent int64, closed int64) {
	t.Helper()
	var all, ended atomic.Int64
	var group sync.WaitGroup
	for range conns {
		c := mustDialHTTP2(t, s)
		go func() { _, _ = io.Copy(io.Discard, c.conn) }() // so that the proxy can say what it has to say
		group.Go(func() {
			defer c.conn.Close()
			for i := range n {
				_ = c.conn.SetWriteDeadline(time.Now().Add(20 * time.Second))
				if send(c, i) != nil {
					ended.Add(1)
					return
				}
				all.Add(1)
			}
		})
	}
	group.Wait()
	return all.Load(), ended.Load()
}

// TestFloods sends what costs a client nothing, again and again.
func TestFloods(t *testing.T) {
	s := theShop
	for _, row := range []struct {
		name     string
		conns, n int
		send     func(c *stream, i int) error
	}{
		{"rapid reset", 4, 5000, func(c *stream, i int) error {
			id := uint32(2*i + 1)
			return errors.Join(c.WriteHeaders(params(id, c.encode(with(s, "GET", "/api/products/1")...), true)),
				c.WriteRSTStream(id, http2.ErrCodeCancel))
		}},
		{"streams begun and left", 4, 2000, func(c *stream, i int) error {
			return c.WriteHeaders(params(uint32(2*i+1), c.encode(with(s, "POST", "/api/products")...), false))
		}},
		{"CONTINUATION without an end", 4, 5000, func(c *stream, i int) error {
			block := c.encode(field{fmt.Sprintf("x-%d", i), strings.Repeat("a", 8000)})
			if i == 0 {
				return c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block})
			}
			return c.WriteContinuation(1, false, block)
		}},
		{"empty CONTINUATION", 4, 20_000, func(c *stream, i int) error {
			if i == 0 {
				block := c.encode(with(s, "GET", "/api/ping")...)
				return c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block})
			}
			return c.WriteContinuation(1, false, nil)
		}},
		{"SETTINGS", 4, 20_000, func(c *stream, i int) error {
			return c.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: uint32(i)})
		}},
		{"PING", 4, 20_000, func(c *stream, _ int) error { return c.WritePing(false, [8]byte{}) }},
		{"PRIORITY", 4, 20_000, func(c *stream, i int) error {
			return c.WritePriority(uint32(2*i+1), http2.PriorityParam{Weight: uint8(i)})
		}},
		{"empty DATA", 4, 20_000, func(c *stream, i int) error {
			if i == 0 {
				return c.WriteHeaders(params(1, c.encode(with(s, "POST", "/api/products")...), false))
			}
			return c.WriteData(1, false, nil)
		}},
		{"WINDOW_UPDATE of 0", 4, 5000, func(c *stream, i int) error { return c.WriteWindowUpdate(0, 0) }},
		{"a large field again and again by its number", 4, 2000, func(c *stream, i int) error {
			large := field{"x", strings.Repeat("a", 3900)} // which the table of HPACK holds
			fields := with(s, "GET", "/api/ping")
			for range 200 {
				fields = append(fields, large)
			}
			return c.WriteHeaders(params(uint32(2*i+1), c.encode(fields...), true))
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			wantMemory(t, s)
			WhileOthersAreServed(t, s, func() {
				sent, closed := flood(t, s, row.conns, row.n, row.send)
				t.Logf("%d sent, %d of %d connections ended by the proxy", sent, closed, row.conns)
			})
		})
	}
}

// TestSlow makes clients send a handshake, a header or a body too slowly, or nothing, by HTTP/1.1 and HTTP/2, all at
// once. It checks that each connection is closed within a limit, and that a late body of HTTP/2 gets 408.
func TestSlow(t *testing.T) {
	s := theShop
	ways := map[string]struct {
		within time.Duration
		begin  func(t *testing.T) net.Conn
		drip   string
	}{
		"a handshake": {35 * time.Second, func(t *testing.T) net.Conn {
			conn, err := net.Dial("tcp", s.Addr)
			if err == nil {
				_, err = conn.Write([]byte{0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3})
			}
			return must(t, conn, err)
		}, "x"},
		"a header": {10 * time.Second, func(t *testing.T) net.Conn {
			return dial1(t, s, "GET /api/ping HTTP/1.1\r\nHost: localhost\r\nX: ")
		}, "x"},
		"a body": {10 * time.Second, func(t *testing.T) net.Conn {
			return dial1(t, s, "POST /api/products HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"+
				"Content-Length: 1000\r\n\r\n")
		}, "x"},
		"a chunked body": {10 * time.Second, func(t *testing.T) net.Conn {
			return dial1(t, s, "POST /api/products HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"+
				"Transfer-Encoding: chunked\r\n\r\n")
		}, "1\r\nx\r\n"},
		"nothing after the handshake": {40 * time.Second, func(t *testing.T) net.Conn { return dial1(t, s, "") }, ""},
		"nothing after HTTP/2 began": {70 * time.Second, func(t *testing.T) net.Conn {
			return mustDialHTTP2(t, s).conn
		}, ""},
		"half a header of HTTP/2": {70 * time.Second, func(t *testing.T) net.Conn {
			c := mustDialHTTP2(t, s)
			block := c.encode(with(s, "GET", "/api/ping")...)
			return must(t, net.Conn(c.conn), c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block}))
		}, ""},
		"a body of HTTP/2": {10 * time.Second, func(t *testing.T) net.Conn {
			c := mustDialHTTP2(t, s)
			fields := with(s, "POST", "/api/products", field{"content-length", "1000"})
			err := c.WriteHeaders(params(1, c.encode(fields...), false))
			if got := c.outcome(1, 20*time.Second); err == nil && got.status != "408" {
				t.Errorf("a body of HTTP/2 that does not come is answered %v, want 408", got)
			}
			return nil
		}, ""},
		"bodies of HTTP/2 that fill a buffer": {25 * time.Second, func(t *testing.T) net.Conn {
			c := mustDialHTTP2(t, s)
			err := fill(s, c, "POST", "/api/products", "60000", 3500)
			if got := c.outcome(1, 25*time.Second); err == nil && got.status != "408" {
				t.Errorf("a body of HTTP/2 of which a part comes is answered %v, want 408", got)
			}
			return nil
		}, ""},
	}
	WhileOthersAreServed(t, s, func() {
		var group sync.WaitGroup
		for name, way := range ways {
			group.Go(func() {
				began := time.Now()
				conn := way.begin(t)
				if conn == nil {
					return
				}
				defer conn.Close()
				left := endOf(conn, way.drip, began.Add(way.within+10*time.Second))
				if took := time.Since(began); !left || took > way.within {
					t.Errorf("%s kept its connection for %v (%v), want %v at most", name, took, left, way.within)
				} else {
					t.Logf("%s: left after %v", name, took.Round(time.Second/10))
				}
			})
		}
		group.Wait()
	})
}

// endOf drips into a connection and reports whether the other side ended it before the deadline.
func endOf(conn net.Conn, drip string, deadline time.Time) bool {
	over := make(chan struct{})
	defer close(over)
	if drip != "" {
		go func() {
			for {
				select {
				case <-over:
					return
				case <-time.After(100 * time.Millisecond):
					if _, err := io.WriteString(conn, drip); err != nil {
						return
					}
				}
			}
		}()
	}
	_ = conn.SetReadDeadline(deadline)
	_, err := io.Copy(io.Discard, conn)
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

func must(t *testing.T, conn net.Conn, err error) net.Conn {
	if err != nil {
		t.Error(err)
		return nil
	}
	return conn
}

// dial1 begins HTTP/1.1 in TLS.
func dial1(t *testing.T, s *Shop, begin string) net.Conn {
	conn, err := tls.Dial("tcp", s.Addr, s.Authority.Client())
	if err == nil && begin != "" {
		_, err = io.WriteString(conn, begin)
	}
	if err != nil {
		t.Error(err)
		return nil
	}
	return conn
}

// TestHuge sends requests of which a part is much larger than it may be.
func TestHuge(t *testing.T) {
	s := theShop
	const host = "Host: localhost\r\n"
	x := func(n int) string { return strings.Repeat("x", n) }
	WhileOthersAreServed(t, s, func() {
		for name, request := range map[string]string{
			"an address": "GET /api/" + x(1<<20) + " HTTP/1.1\r\n" + host + "\r\n",
			"a method":   x(1<<20) + " / HTTP/1.1\r\n" + host + "\r\n",
			"a field":    "GET /api/ping HTTP/1.1\r\n" + host + "X: " + x(1<<20) + "\r\n\r\n",
			"fields":     "GET /api/ping HTTP/1.1\r\n" + host + strings.Repeat("X: y\r\n", 100_000) + "\r\n",
			"a token": "GET /api/ping HTTP/1.1\r\n" + host + "Authorization: Bearer eyJ" + x(7000) + "." + x(5) + "." +
				x(5) + "\r\n\r\n",
			"a cookie": "GET /api/ping HTTP/1.1\r\n" + host + "Cookie: " + x(1<<20) + "\r\n\r\n",
			"a host":   "GET /api/ping HTTP/1.1\r\nHost: " + x(5000) + "\r\n\r\n",
			"a length said": "POST /api/products HTTP/1.1\r\n" + host + "Content-Length: 10000000000\r\n\r\n" +
				x(1<<20),
		} {
			conn := dial1(t, s, "")
			if conn == nil {
				return
			}
			_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
			go func() { _, _ = io.WriteString(conn, request) }() // which fails when it was refused before its end
			response := make([]byte, 12)
			if _, err := io.ReadFull(conn, response); err != nil || !bytes.HasPrefix(response, []byte("HTTP/1.1 4")) {
				t.Errorf("%s is answered %q %v, want 4xx", name, response, err)
			}
			conn.Close()
		}
		for name, fields := range map[string][]field{
			"an address of HTTP/2": with(s, "GET", "/api/"+x(12_000)),
			"a field of HTTP/2":    with(s, "GET", "/api/ping", field{"x", x(15_000)}),
		} {
			c := mustDialHTTP2(t, s)
			if err := c.request(1, nil, fields...); err != nil {
				t.Fatal(err)
			}
			if got := c.outcome(1, 20*time.Second); !got.refused() {
				t.Errorf("%s is answered %v, want it refused", name, got)
			}
		}
	})
}
