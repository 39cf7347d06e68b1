//go:build attack

package attack

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/malformed"
	"github.com/woodytoys/woodytoys/internal/programs"
)

// smuggled is what no replica may see: an attacker's request inside of another one. Each shape has a path of its own.
func smuggled(shape int) string { return fmt.Sprintf("/api/smuggled-%d-", shape) }

// mustHaveSeenNone fails where a replica has logged a smuggled request. Its log has a line for each request.
func mustHaveSeenNone(t *testing.T, s *Shop) {
	t.Helper()
	seen := false
	for _, replica := range s.Replicas {
		for line := range strings.Lines(replica.Log()) {
			seen = seen || strings.Contains(line, "/api/ping")
			if strings.Contains(line, "smuggled") {
				t.Errorf("a replica was asked: %s", line)
			}
		}
	}
	if !seen {
		t.Error("the replicas do not log what they are asked: the test shows nothing")
	}
}

// TestSmugglingByHTTP1 sends requests whose end two servers may see in two places. Each gets one refusal and nothing
// more, and the connection is closed. Those that RFC 9112 (5.2, 6.3) has a proxy mend may be carried out, once.
func TestSmugglingByHTTP1(t *testing.T) {
	const (
		head    = "POST /api/products HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
		chunks  = "f\r\n{\"name\":\"Kite\"}\r\n0\r\n\r\n"
		chunked = "Transfer-Encoding: chunked\r\n"
	)
	shapes := []struct{ name, request string }{
		{"CL.TE (mended)", head + "Content-Length: 25\r\n" + chunked + "\r\n" + chunks},
		{"TE.CL (mended)", head + chunked + "Content-Length: 4\r\n\r\n" + chunks},
		{"TE.TE, one unknown", head + chunked + "Transfer-Encoding: cow\r\n\r\n" + chunks},
		{"a space before the colon", head + "Transfer-Encoding : chunked\r\nContent-Length: 4\r\n\r\n" + chunks},
		{"xchunked", head + "Transfer-Encoding: xchunked\r\nContent-Length: 4\r\n\r\n" + chunks},
		{"a control character", head + "Transfer-Encoding: \x0bchunked\r\nContent-Length: 4\r\n\r\n" + chunks},
		{"a folded line (mended)", head + "Transfer-Encoding:\r\n chunked\r\nContent-Length: 4\r\n\r\n" + chunks},
		{"two lengths", head + "Content-Length: 0\r\nContent-Length: 25\r\n\r\n" + chunks},
		{"a list of lengths", head + "Content-Length: 0, 25\r\n\r\n" + chunks},
		{"a length with a sign", head + "Content-Length: +25\r\n\r\n" + chunks},
		{"a length in hexadecimal", head + "Content-Length: 0x19\r\n\r\n" + chunks},
		{"a negative chunk", head + chunked + "\r\n-f\r\n{}\r\n0\r\n\r\n"},
		{"a chunk too long for 64 bits", head + chunked + "\r\n1000000000000000f\r\n{\"name\":\"Kite\"}\r\n0\r\n\r\n"},
		{"a chunk whose extension has a line's end", head + chunked + "\r\nf;a\nx\r\n{\"name\":\"Kite\"}\r\n0\r\n\r\n"},
		{"a field named by a NUL", head + "Transfer-\x00Encoding: chunked\r\nContent-Length: 4\r\n\r\n" + chunks},
	}
	WhileOthersAreServed(t, theShop, func() {
		for i, shape := range shapes {
			behind := "GET " + smuggled(i) + "1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
			conn, err := tls.Dial("tcp", theShop.Addr, theShop.Authority.Client())
			if err != nil {
				t.Fatal(err)
			}
			responses, err := malformed.ExchangeOver(conn, shape.request+behind)
			refused := len(responses) == 1 && responses[0].Status >= 400 && responses[0].Status <= 499
			mended := len(responses) == 1 && responses[0].Status == 201 && strings.HasSuffix(shape.name, "(mended)")
			if err != nil || !refused && !mended {
				t.Errorf("%s: %v %v, want one refusal", shape.name, responses, err)
			}
		}
	})
	mustHaveSeenNone(t, theShop)
}

// TestSmugglingByHTTP2 sends headers and bodies that would be two requests when they are put into HTTP/1.1, or that
// HTTP/2 does not allow. Each is refused.
func TestSmugglingByHTTP2(t *testing.T) {
	s := theShop
	inside := func(shape int) string {
		return "x\r\nHost: localhost\r\n\r\nGET " + smuggled(shape) + "2 HTTP/1.1\r\nHost: localhost\r\n\r\n"
	}
	body := func(shape int) []byte { return []byte("{}" + inside(shape)) }
	json := field{"content-type", "application/json"}
	post := func(more ...field) []field {
		return with(s, "POST", "/api/products", append([]field{json}, more...)...)
	}
	shapes := []struct {
		name   string
		body   bool
		fields []field
	}{
		{"a length below the body's", true, post(field{"content-length", "2"})},
		{"a length of 0 and a body", true, post(field{"content-length", "0"})},
		{"a length above the body's", true, post(field{"content-length", "5000"})},
		{"two lengths", true, post(field{"content-length", "2"}, field{"content-length", "3"})},
		{"a length with a sign", true, post(field{"content-length", "+2"})},
		{"a transfer coding", true, post(field{"transfer-encoding", "chunked"})},
		{"a line's end in a value", false, with(s, "GET", "/api/ping", field{"x", inside(6)})},
		{"a line's end in a name", false, with(s, "GET", "/api/ping", field{"x: " + inside(7), "y"})},
		{"a line feed alone in a value", false, with(s, "GET", "/api/ping", field{"x", "a\nTransfer-Encoding: a"})},
		{"a NUL in a value", false, with(s, "GET", "/api/ping", field{"x", "a\x00b"})},
		{"a line's end in the path", false, with(s, "GET", "/api/ping HTTP/1.1\r\n"+inside(10))},
		{"a space in the path", false, with(s, "GET", "/api/ping HTTP/1.1")},
		{"a line's end in the method", false, with(s, "GET /api/ping HTTP/1.1\r\n"+inside(12), "/api/ping")},
		{"a space in the method", false, with(s, "GET /api/ping?", "/api/ping")},
		{"a line's end in the authority", false, []field{{":method", "GET"}, {":scheme", "https"},
			{":authority", "localhost\r\n" + inside(14)}, {":path", "/api/ping"}}},
		{"a line's end in the scheme", false, []field{{":method", "GET"}, {":scheme", "https\r\n" + inside(15)},
			{":authority", s.Addr}, {":path", "/api/ping"}}},
		{"two paths", false, append(with(s, "GET", "/api/ping"), field{":path", smuggled(16) + "2"})},
		{"two methods", false, append(with(s, "GET", "/api/ping"), field{":method", "POST"})},
		{"two authorities", false, append(with(s, "GET", "/api/ping"), field{":authority", "cdn.localhost"})},
		{"no path", false, []field{{":method", "GET"}, {":scheme", "https"}, {":authority", s.Addr}}},
		{"an empty path", false, with(s, "GET", "")},
		{"a path without a slash", false, with(s, "GET", "api/ping")},
		{"no method", false, []field{{":scheme", "https"}, {":authority", s.Addr}, {":path", "/api/ping"}}},
		{"no authority", false, []field{{":method", "GET"}, {":scheme", "https"}, {":path", "/api/ping"}}},
		{"a pseudo field behind a field", false, []field{{":method", "GET"}, {":scheme", "https"},
			{":authority", s.Addr}, {"x", "y"}, {":path", "/api/ping"}}},
		{"an unknown pseudo field", false, append(with(s, "GET", "/api/ping"), field{":smuggled", "x"})},
		{"the pseudo field of an answer", false, append(with(s, "GET", "/api/ping"), field{":status", "200"})},
		{"a name in capitals", false, with(s, "GET", "/api/ping", field{"X-Y", "z"})},
		{"a name with a colon", false, with(s, "GET", "/api/ping", field{"x:y", "z"})},
		{"a name with a space", false, with(s, "GET", "/api/ping", field{"transfer-encoding ", "chunked"})},
		{"an empty name", false, with(s, "GET", "/api/ping", field{"", "x"})},
		{"a connection's field", false, with(s, "GET", "/api/ping", field{"connection", "keep-alive"})},
		{"an upgrade", false, with(s, "GET", "/api/ping", field{"upgrade", "h2c"})},
	}
	WhileOthersAreServed(t, s, func() {
		for i, shape := range shapes {
			c := mustDialHTTP2(t, s)
			var sent []byte
			if shape.body {
				sent = body(i)
			}
			if err := c.request(1, sent, shape.fields...); err != nil {
				t.Fatalf("%s: %v", shape.name, err)
			}
			got := c.outcome(1, 10*time.Second)
			t.Logf("%-40s %v", shape.name, got)
			if !got.refused() {
				t.Errorf("%s is answered %v, want it refused", shape.name, got)
			}
			c.conn.Close()
		}
	})
	mustHaveSeenNone(t, s)
}

// TestAnotherHostThanTheAuthority checks that a replica sees the request's authority as its only host, whatever Host
// fields a client of HTTP/2 adds, or that the request is refused.
func TestAnotherHostThanTheAuthority(t *testing.T) {
	replica := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/readyz" {
			return
		}
		w.WriteHeader(http.StatusTeapot)
		if r.Host != "shop.example" || len(r.Header["Host"]) > 0 {
			t.Errorf("a replica sees the host %q %v", r.Host, r.Header["Host"])
		}
	}))
	defer replica.Close()
	proxy, err := programs.StartHAProxy(programs.HAProxyConfig{
		Certificates: theShop.Certificates, API: []string{replica.Listener.Addr().String()}})
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	other := &Shop{Addr: proxy.TLS, Authority: theShop.Authority}
	for _, hosts := range [][]field{
		nil, {{"host", "cdn.shop.example"}}, {{"host", "a"}, {"host", "b"}},
		{{"host", "shop.example"}, {"host", "cdn.x"}},
	} {
		c := mustDialHTTP2(t, other)
		fields := append([]field{{":method", "GET"}, {":scheme", "https"}, {":authority", "shop.example"},
			{":path", "/api/ping"}}, hosts...)
		if err := c.request(1, nil, fields...); err != nil {
			t.Fatal(err)
		}
		if got := c.outcome(1, 10*time.Second); got.status != "418" && !got.refused() {
			t.Errorf("%v is answered %v, want the replica's answer or a refusal", hosts, got)
		}
	}
}

// TestTrailersThatAreNone sends behind a body what may stand before it alone.
func TestTrailersThatAreNone(t *testing.T) {
	for name, trailer := range map[string]field{
		"a pseudo field": {":path", smuggled(100)}, "a transfer coding": {"transfer-encoding", "chunked"},
		"a line's end": {"x", "y\r\nz: a"},
	} {
		c := mustDialHTTP2(t, theShop)
		fields := with(theShop, "POST", "/api/products", field{"content-type", "application/json"})
		err := c.WriteHeaders(params(1, c.encode(fields...), false))
		if err == nil {
			err = c.WriteData(1, false, []byte(`{"name":""}`))
		}
		if err == nil {
			err = c.WriteHeaders(params(1, c.encode(trailer), true))
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := c.outcome(1, 10*time.Second); !got.refused() {
			t.Errorf("%s in a trailer is answered %v, want it refused", name, got)
		}
	}
	mustHaveSeenNone(t, theShop)
}
