package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/malformed"
)

// memoryMax is what the program, and the fuzzer with it, may take of memory, however many requests came before.
const memoryMax = 256 << 20

// FuzzWire sends raw bytes to the whole program on a socket. As many requests are answered as are well-formed by
// another reading of the grammar, and behind them at most one refusal; nothing is our fault, and memory does not grow.
func FuzzWire(f *testing.F) {
	for _, request := range malformed.Requests() {
		f.Add([]byte(request.Bytes))
	}
	for _, request := range wellFormed {
		f.Add([]byte(request))
		f.Add([]byte(request + request + "\x00"))
	}
	addr := mustServeInProcess(f)
	var sent atomic.Int64
	f.Fuzz(func(t *testing.T, bytes []byte) {
		n := sent.Add(1)
		received, err := sendRaw(addr, n, bytes)
		if err != nil {
			t.Fatal(err)
		}
		methods, more := malformed.Methods(string(bytes))
		responses, err := malformed.Parse(received, methods...)
		if err != nil {
			t.Fatal(err)
		}
		if err := checkResponses(responses, len(methods), more); err != nil {
			t.Fatalf("%v: %q", err, received)
		}
		if n%1000 == 0 {
			var memory runtime.MemStats
			if runtime.ReadMemStats(&memory); memory.HeapInuse+memory.StackInuse > memoryMax {
				t.Fatalf("after %d requests %d MB of memory are in use", n, (memory.HeapInuse+memory.StackInuse)>>20)
			}
		}
	})
}

var wellFormed = []string{
	"GET /api/ping HTTP/1.1\r\nHost: shop\r\n\r\n",
	"HEAD /api/products/1 HTTP/1.1\r\nHost: shop\r\nIf-None-Match: *\r\n\r\n",
	"GET /api/products?product=Zo\xc3\xa9 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
	"GET /api/misc/heavy?name=x HTTP/1.1\r\nHost: shop\r\nAccept: application/json;q=0.5, text/plain\r\n" +
		"Range: bytes=0-4\r\n\r\n",
	"POST /api/products HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n" +
		"{\"name\":\"Kite\"}",
	"POST /api/orders HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n" +
		"Idempotency-Key: k\r\n\r\n5;a=b\r\n{\"pro\r\nd\r\nduct\":\"Yoyo\"}\r\n0\r\n\r\n",
	"PUT /api/products/1 HTTP/1.1\r\nHost: shop\r\nIf-Match: \"x\"\r\nContent-Type: application/json\r\n" +
		"Content-Length: 15\r\n\r\n{\"name\":\"Kite\"}",
	"OPTIONS /api/products HTTP/1.1\r\nHost: shop\r\nOrigin: http://a\r\nAccess-Control-Request-Method: PUT\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: shop\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
	"GET http://shop/assets/x HTTP/1.1\r\nHost: shop\r\nAccept-Encoding: br\r\n\r\n",
	"BREW /pot HTTP/1.1\r\nHost: shop\r\n\r\n",
}

// mustServeInProcess runs the program with its default settings, but without delays, and returns where it listens.
func mustServeInProcess(f *testing.F) string {
	f.Helper()
	dir := f.TempDir()
	cfg, _, err := parseConfig([]string{
		"--addr=127.0.0.1:0", "--admin-addr=off", "--data-dir=" + filepath.Join(dir, "data"), "--near-bytes=8M",
		"--heavy-delay=0s", "--slow-query-delay=0s", "--drain-timeout=5s",
	}, io.Discard, io.Discard)
	if err != nil {
		f.Fatal(err)
	}
	p, err := start(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		f.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	f.Cleanup(func() {
		stop()
		<-ended
		p.Close()
	})
	for deadline := time.Now().Add(30 * time.Second); !p.health.Ready(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			f.Fatal("the program does not get ready")
		}
	}
	return p.public.Addr().String()
}

// sendRaw sends bytes and returns all that comes back until the server closes. Connections come from many addresses of
// this machine, in turn: one alone has too few ports for so many of them.
func sendRaw(addr string, n int64, bytes []byte) ([]byte, error) {
	from := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(1+n%200))}, Timeout: 10 * time.Second}
	conn, err := from.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return nil, err
	}
	// The server may close before it has read everything: what it said before counts.
	_, _ = conn.Write(bytes)
	_ = conn.(*net.TCPConn).CloseWrite()
	received, err := io.ReadAll(conn)
	if len(received) > 0 {
		return received, nil
	}
	return received, err
}

// checkResponses returns an error unless there is at most one response to each well-formed request, and one refusal
// where there is more.
func checkResponses(responses []malformed.Response, wellFormed int, more bool) error {
	if len(responses) > wellFormed+1 || len(responses) > wellFormed && !more {
		return fmt.Errorf("%d answers to %d requests", len(responses), wellFormed)
	}
	for i, response := range responses {
		switch {
		case response.Status == http.StatusNotImplemented, response.Status == http.StatusHTTPVersionNotSupported:
		case response.Status >= 500:
			return fmt.Errorf("answer %d is our fault", i)
		case i == wellFormed && response.Status < 400:
			return fmt.Errorf("what is not a request is answered %d", response.Status)
		}
	}
	return nil
}
