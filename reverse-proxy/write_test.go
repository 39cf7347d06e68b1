package reverseproxy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/programs"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// TestWhatIsAWrite sends requests in many spellings to a real replica. The log must call a write every one
// that changes something, and a read those that plainly are.
func TestWhatIsAWrite(t *testing.T) { inEachWay(t, testWhatIsAWrite) }

func testWhatIsAWrite(t *testing.T, w way) {
	shop := mustStartShop(t, "shop")
	proxy := w.mustStart(t, programs.HAProxyConfig{API: []string{shop.Addr()}})
	for i, row := range []struct {
		method, path string
		kind         string
	}{
		{"GET", "/api/ping", "read"},
		{"GET", "/api/products", "read"},
		{"GET", "/api/products?limit=1&after=2", "read"},
		{"GET", "/api/products/1", "read"},
		{"GET", "/api/products/last", "read"},
		{"GET", "/api/orders/?order_id=0c7da1a0-77bd-4dd6-9a0f-b5f0bdf0ba2e", "read"},
		{"GET", "/api/misc/heavy?name=product", "read"},
		{"GET", "/api/probes/a", "read"},
		{"HEAD", "/api/products?product=Robot", "read"},
		{"HEAD", "/api/orders/do?order=Robot", "read"},
		{"OPTIONS", "/api/products", "read"},
		{"GET", "/api/misc/heavy?name=%70roduct", "read"},
		{"GET", "/api/products?product=Robot", "write"},
		{"GET", "/api/products/?product=Robot", "write"},
		{"GET", "/api/products?limit=3&product=Robot", "write"},
		{"GET", "/api/products?%70roduct=Robot", "write"},
		{"GET", "/api/%70roducts?product=Robot", "write"},
		{"GET", "/api/orders/do?order=Robot", "write"},
		{"GET", "/api/orders/do/?order=Robot", "write"},
		{"GET", "/api/orders/d%6f?order=Robot", "write"},
		{"GET", "/api/orders%2Fdo?order=Robot", "write"},
		{"GET", "/api/Orders/DO?order=Robot", "write"},
		{"GET", "/api/PRODUCTS?product=Robot", "write"},
		{"GET", "/api/products?Product=Robot", "write"},
		{"GET", "/api/products?product=Robot%zz", "write"}, // which cannot be decoded
		{"GET", "/api/products?%70roduct=Robot%zz", "write"},
		{"GET", "/api/products?limit=1%30", "write"}, // it could be one
		{"POST", "/api/products", "write"},
		{"PUT", "/api/products/1", "write"},
		{"DELETE", "/api/products/3", "write"},
		{"POST", "/api/orders", "write"},
		{"PATCH", "/api/products/1", "write"},
		{"PUT", "/api/probes/a", "write"}, // and refused: probes are written on the replicas' own operators' port
	} {
		id := fmt.Sprintf("row-%d.", i)
		before := state(t, shop)
		got := mustDo(t, row.method, proxy.URL+row.path, nil, "X-Request-Id: "+id)
		if got.header.Get("X-Request-Id") != id {
			t.Errorf("%s %s: the answer's id is %q, want the caller's",
				row.method, row.path, got.header.Get("X-Request-Id"))
		}
		line := logLine(t, proxy, "request="+id)
		if !strings.Contains(line, " kind="+row.kind+" ") {
			t.Errorf("%s %s is logged as %q, want a %s", row.method, row.path, line, row.kind)
		}
		if strings.Contains(line, " kind=read ") && state(t, shop) != before {
			t.Errorf("%s %s changed something and is called a read", row.method, row.path)
		}
		if !strings.Contains(line, " replica=shop ") ||
			!strings.Contains(line, fmt.Sprintf(" status=%d ", got.status)) {
			t.Errorf("the line names neither replica nor status %d: %s", got.status, line)
		}
	}
}

// TestOnlyLaterWritesPassTwice sends writes on a kept connection: the first one goes straight to a replica.
func TestOnlyLaterWritesPassTwice(t *testing.T) { inEachWay(t, testOnlyLaterWritesPassTwice) }

func testOnlyLaterWritesPassTwice(t *testing.T, w way) {
	proxy := w.mustStart(t, programs.HAProxyConfig{})
	client := &http.Client{Transport: transport(false)}
	defer client.CloseIdleConnections()
	through := []string{" server=api/api", " server=writes/itself ", " server=writes/itself "}
	if w == byHTTP2 {
		through[0] = through[1] // HAProxy takes no stream for the first
	}
	for i, want := range through {
		request, err := http.NewRequest(http.MethodPost, proxy.URL+"/api/products",
			strings.NewReader(`{"name":"Robot"}`))
		if err != nil {
			t.Fatal(err)
		}
		id := fmt.Sprintf("write-%d.", i)
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("X-Request-Id", id)
		got, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, got.Body) // to its end, so that the connection is kept
		got.Body.Close()
		if line := logLine(t, proxy, "request="+id); got.StatusCode != http.StatusCreated ||
			!strings.Contains(line, want) ||
			!strings.Contains(line, " kind=write ") {
			t.Errorf("write %d = %s, logged as %q, want%s", i, got.Status, line, want)
		}
	}
}

// state returns all products, and the number of orders.
func state(t *testing.T, shop *programs.Shop) string {
	t.Helper()
	return mustGet(t, shop.URL+"/api/products?limit=100", "Accept: application/json").body
}

// logLine waits for the one line of the access log that has the text.
func logLine(t *testing.T, proxy *programs.HAProxy, text string) string {
	t.Helper()
	for deadline := time.Now().Add(servers.Patience); ; time.Sleep(5 * time.Millisecond) {
		for line := range strings.Lines(proxy.Log()) {
			if strings.Contains(line, text) && strings.HasSuffix(line, "\n") {
				return line
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("no line of the access log has %q", text)
		}
	}
}

// fakeDying is a server that reports ready, reads a whole request and breaks off: a replica that dies with
// requests in its hands, every time.
type fakeDying struct {
	addr  string
	reads atomic.Int64
	// writes counts those that it has taken and not answered.
	writes atomic.Int64
}

func startFakeDying(t *testing.T) *fakeDying {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	f := &fakeDying{addr: listener.Addr().String()}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go f.die(conn)
		}
	}()
	return f
}

func (f *fakeDying) die(conn net.Conn) {
	defer conn.Close()
	request, err := http.ReadRequest(bufio.NewReader(conn))
	switch {
	case err != nil:
	case request.URL.Path == "/readyz":
		fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
	case request.Method == http.MethodGet && !request.URL.Query().Has("product"):
		f.reads.Add(1)
	default:
		f.writes.Add(1)
	}
}

// TestAWriteThatMayBeDoneIsNotTriedAgain makes replicas reply to writes that they may have been carried out, or break
// off on them. It checks that each write is sent once, and that its response has no Retry-After.
func TestAWriteThatMayBeDoneIsNotTriedAgain(t *testing.T) {
	inEachWay(t, testAWriteThatMayBeDoneIsNotTriedAgain)
}

func testAWriteThatMayBeDoneIsNotTriedAgain(t *testing.T, w way) {
	var writes atomic.Int64
	replica := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			writes.Add(1)
			http.Error(w, "The write may have been carried out, or not.", http.StatusGatewayTimeout)
		}
	}))
	t.Cleanup(replica.Close)
	dying := startFakeDying(t)
	for addr, want := range map[string]int{
		strings.TrimPrefix(replica.URL, "http://"): http.StatusGatewayTimeout,
		dying.addr: http.StatusBadGateway,
	} {
		proxy := w.mustStart(t, programs.HAProxyConfig{API: []string{addr}})
		for _, call := range []struct{ method, path string }{
			{"POST", "/api/products"}, {"PUT", "/api/products/1"}, {"DELETE", "/api/products/1"},
			{"POST", "/api/orders"},
			{"GET", "/api/products?product=Robot"},
		} {
			got := mustDo(t, call.method, proxy.URL+call.path, nil)
			later := got.header.Get("Retry-After")
			if got.status != want || later != "" || !strings.Contains(got.body, "may have been carried out") {
				t.Errorf("%s %s = %d %q, Retry-After %q; want %d",
					call.method, call.path, got.status, got.body, later, want)
			}
		}
	}
	if a, b := writes.Load(), dying.writes.Load(); a != 5 || b != 5 {
		t.Errorf("five writes each came %d and %d times to a replica", a, b)
	}
}

// TestReadsAreRetriedAndWritesAreNot makes one of two replicas break off on every request. It checks that reads are
// retried on the other one, and that a write which breaks off gets 502 and is not sent again.
func TestReadsAreRetriedAndWritesAreNot(t *testing.T) {
	inEachWay(t, testReadsAreRetriedAndWritesAreNot)
}

func testReadsAreRetriedAndWritesAreNot(t *testing.T, w way) {
	dying, shop := startFakeDying(t), mustStartShop(t, "shop")
	proxy := w.mustStart(t, programs.HAProxyConfig{Balance: "roundrobin", API: []string{dying.addr, shop.Addr()}})
	if got := servedBy(t, 20, proxy.URL+"/api/products/1"); got["shop"] != 20 || dying.reads.Load() < 5 {
		t.Errorf("20 reads were served by %v, after %d that broke off", got, dying.reads.Load())
	}
	good, bad := 0, 0
	// one kept connection, and a client that retries GETs
	client := &http.Client{Transport: transport(false)}
	defer client.CloseIdleConnections()
	for range 20 {
		got, err := client.Get(proxy.URL + "/api/products?product=Robot")
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(got.Body)
		got.Body.Close()
		switch {
		case got.StatusCode == http.StatusOK:
			good++
		case got.StatusCode == http.StatusBadGateway && (response{got.StatusCode, got.Header, string(body)}).problem():
			bad++
		default:
			t.Errorf("a write was answered %s %s", got.Status, body)
		}
	}
	robots := strings.Count(state(t, shop), "Robot")
	if robots != good || int(dying.writes.Load()) != bad || good == 0 || bad == 0 {
		t.Errorf("%d of 20 writes were acknowledged and %d refused; the good replica has %d, the dying one took %d",
			good, bad, robots, dying.writes.Load())
	}
}

// TestAWriteFindsALiveReplica kills one of two replicas: no connection to it can be made, so nothing was sent, and
// every write reaches the other.
func TestAWriteFindsALiveReplica(t *testing.T) { inEachWay(t, testAWriteFindsALiveReplica) }

func testAWriteFindsALiveReplica(t *testing.T, w way) {
	mortal, shop := mustStartShop(t, "mortal"), mustStartShop(t, "shop")
	proxy := w.mustStart(t, programs.HAProxyConfig{Balance: "roundrobin", API: []string{mortal.Addr(), shop.Addr()}})
	mortal.Kill()
	for range 10 {
		if got := mustGet(t, proxy.URL+"/api/products?product=Robot"); got.status != http.StatusOK {
			t.Errorf("a write was answered %d %s", got.status, got.body)
		}
	}
	if got := strings.Count(state(t, shop), "Robot"); got != 10 {
		t.Errorf("10 writes made %d products", got)
	}
}
