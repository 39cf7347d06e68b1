package reverseproxy_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/programs"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// each is how many connections an address may have with TLS.
const each = 100

// dialFrom opens a connection to the proxy's TLS from an address of the loopback, or returns why there is none.
func dialFrom(proxy *programs.HAProxy, from string) (*tls.Conn, error) {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: servers.Patience}
	return tls.DialWithDialer(dialer, "tcp", proxy.TLS, signer.Client())
}

// mustHold opens connections that stay open until the test ends: each has had an answer, or the proxy would close it
// after five seconds, before all are open on a slow machine.
func mustHold(t *testing.T, proxy *programs.HAProxy, n int, from string) (held []*tls.Conn) {
	t.Helper()
	for i := range n {
		conn, err := dialFrom(proxy, from)
		if err != nil {
			t.Fatalf("connection %d from %s: %v", i+1, from, err)
		}
		t.Cleanup(func() { conn.Close() })
		if _, err := io.WriteString(conn, "GET /robots.txt HTTP/1.1\r\nHost: shop.example\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if _, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil {
			t.Fatalf("connection %d from %s: %v", i+1, from, err)
		}
		held = append(held, conn)
	}
	return held
}

// TestConnectionsOfAnAddress opens as many as an address may have: it gets no more, by TLS or without, until it has
// fewer. Others do, and what comes from within.
func TestConnectionsOfAnAddress(t *testing.T) {
	proxy := byTLS.mustStart(t, programs.HAProxyConfig{})
	held := mustHold(t, proxy, each, "127.0.0.1")
	if conn, err := dialFrom(proxy, "127.0.0.1"); err == nil {
		conn.Close()
		t.Errorf("an address has %d connections", each+1)
	}
	if response, err := apart.RoundTrip(mustRequest(t, "http://"+proxy.Addr()+"/")); err == nil {
		response.Body.Close()
		t.Errorf("without TLS one more is answered %s", response.Status)
	}
	mustHold(t, proxy, 1, "127.0.0.2")
	if got := mustGet(t, proxy.InnerURL+"/api/ping"); got.status != http.StatusOK {
		t.Errorf("from within: %d", got.status)
	}
	held[0].Close()
	for deadline := time.Now().Add(servers.Patience); ; time.Sleep(5 * time.Millisecond) {
		conn, err := dialFrom(proxy, "127.0.0.1")
		if err == nil {
			conn.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("an address that has closed a connection gets no other: %v", err)
		}
	}
}

// TestConnectionsOfManyVisitors checks that a trusted proxy may have more connections than other addresses, and that
// the limit of an address does not hold without TLS.
func TestConnectionsOfManyVisitors(t *testing.T) {
	mustHold(t, byTLS.mustStart(t, programs.HAProxyConfig{TrustedProxies: []string{"127.0.0.1"}}), each+50, "127.0.0.1")
	plain := mustStart(t, programs.HAProxyConfig{})
	for range each + 50 {
		conn, err := net.Dial("tcp", plain.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	if got := mustGet(t, plain.URL+"/api/ping"); got.status != http.StatusOK {
		t.Errorf("one more without TLS: %d", got.status)
	}
}

func mustRequest(t *testing.T, url string) *http.Request {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return request
}
