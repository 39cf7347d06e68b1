package reverseproxy_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/programs"
)

// mustAwaitMetric waits until one of the proxy's metrics has a value.
func mustAwaitMetric(t *testing.T, proxy *programs.HAProxy, name string, want int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		got := metric(t, mustGet(t, proxy.MetricsURL+"/metrics").body, name)
		if got == want {
			return
		}
		if time.Now().After(deadline) || t.Failed() {
			t.Fatalf("%s = %d, want %d", name, got, want)
		}
	}
}

// mustAwaitServers waits until so many servers of a backend pass its check.
func mustAwaitServers(t *testing.T, proxy *programs.HAProxy, backend string, want int) {
	t.Helper()
	mustAwaitMetric(t, proxy, fmt.Sprintf("haproxy_backend_active_servers{proxy=%q}", backend), want)
}

// mustAwaitRequests waits until a backend has so many requests in its hands.
func mustAwaitRequests(t *testing.T, proxy *programs.HAProxy, backend string, want int) {
	t.Helper()
	mustAwaitMetric(t, proxy, fmt.Sprintf("haproxy_backend_current_sessions{proxy=%q}", backend), want)
}

// TestBusyReplicasAreAsked stops the only replica of the API and of the front, as a machine does that has other work,
// until the proxy holds them for unwell. A crowd that comes meanwhile is answered as soon as they go on, and each of
// its writes is carried out once.
func TestBusyReplicasAreAsked(t *testing.T) {
	t.Parallel()
	shop, site := mustStartShop(t, "shop"), mustStartShop(t, "site")
	proxy := mustStart(t, programs.HAProxyConfig{API: []string{shop.Addr()}, Front: []string{site.Addr()}})
	mustAwaitServers(t, proxy, "api", 1)
	mustAwaitServers(t, proxy, "front", 1)
	signal := func(what syscall.Signal) {
		for _, one := range []*programs.Shop{shop, site} {
			if err := one.Signal(what); err != nil {
				t.Fatal(err)
			}
		}
	}
	signal(syscall.SIGSTOP)
	mustAwaitServers(t, proxy, "api", 0)
	mustAwaitServers(t, proxy, "front", 0)
	mustAwaitMetric(t, proxy, `haproxy_backend_backup_servers{proxy="cdn"}`, 0)
	const each = 20
	var crowd sync.WaitGroup
	for _, path := range []string{"/api/ping", "/api/products?product=Robot", "/", "/robots.txt"} {
		for range each {
			crowd.Go(func() {
				if got, err := http.Get(proxy.URL + path); err != nil {
					t.Error(err)
				} else if got.Body.Close(); got.StatusCode != http.StatusOK {
					t.Errorf("%s = %s", path, got.Status)
				}
			})
		}
	}
	cdn := make(chan response, 1)
	go func() { cdn <- mustGet(t, proxy.URL+"/robots.txt", "Host: cdn.shop.example") }()
	mustAwaitRequests(t, proxy, "api_unchecked", 2*each)
	mustAwaitRequests(t, proxy, "front_unchecked", 2*each+1)
	signal(syscall.SIGCONT)
	crowd.Wait()
	if got := <-cdn; got.status != http.StatusOK {
		t.Errorf("without edges, the host cdn.* was answered %d", got.status)
	}
	mustAwaitServers(t, proxy, "api", 1)
	if got := strings.Count(state(t, shop), "Robot"); got != each {
		t.Errorf("%d writes made %d products", each, got)
	}
}

// TestGoneReplicasFailFast ends the only replica: there is nobody to ask, and a caller hears so at once.
func TestGoneReplicasFailFast(t *testing.T) {
	t.Parallel()
	shop, site := mustStartShop(t, "shop"), mustStartShop(t, "site")
	proxy := mustStart(t, programs.HAProxyConfig{API: []string{shop.Addr()}, Front: []string{site.Addr()}})
	mustAwaitServers(t, proxy, "api", 1)
	shop.Kill()
	site.Kill()
	for _, backend := range []string{"api", "api_unchecked", "front", "front_unchecked"} {
		mustAwaitServers(t, proxy, backend, 0)
	}
	for _, path := range []string{"/api/ping", "/api/products?product=Robot", "/"} {
		began := time.Now()
		got := mustGet(t, proxy.URL+path)
		if took := time.Since(began); got.status != http.StatusServiceUnavailable || !got.problem() ||
			took > 9*time.Second { // who is queued waits for ten
			t.Errorf("%s was answered %d %s after %v, want 503 at once", path, got.status, got.body, took)
		}
	}
}

// fakeReplica is a server whose health checks respond as set, and everything else with its name.
type fakeReplica struct {
	addr string
	// hangs makes checks wait forever, refuses makes them fail with 503 as on a replica that is ending.
	hangs, refuses atomic.Bool
	// dies makes it break off on all else.
	dies atomic.Bool
	// asked counts all else.
	asked atomic.Int64
}

func mustStartFakeReplica(t *testing.T, addr string) *fakeReplica {
	t.Helper()
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	f := &fakeReplica{addr: listener.Addr().String()}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go f.serve(conn)
		}
	}()
	return f
}

func (f *fakeReplica) serve(conn net.Conn) {
	defer conn.Close()
	request, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	status := "200 OK"
	switch {
	case request.URL.Path != "/readyz":
		if f.asked.Add(1); f.dies.Load() {
			return
		}
	case f.hangs.Load():
		_, _ = conn.Read(make([]byte, 1)) // until the proxy has had enough
		return
	case f.refuses.Load():
		status = "503 Service Unavailable"
	}
	fmt.Fprintf(conn, "HTTP/1.1 %s\r\nContent-Length: 0\r\nX-Served-By: %s\r\nConnection: close\r\n\r\n",
		status, f.addr)
}

// TestHangingChecks makes the health checks of both replicas hang while they respond to all else, and checks that both
// are still used. When one of them passes its check again, it is the only one that is used.
func TestHangingChecks(t *testing.T) {
	t.Parallel()
	one, two := mustStartFakeReplica(t, "127.0.0.1:0"), mustStartFakeReplica(t, "127.0.0.1:0")
	one.hangs.Store(true)
	two.hangs.Store(true)
	proxy := mustStart(t, programs.HAProxyConfig{API: []string{one.addr, two.addr}, Front: []string{one.addr}})
	mustAwaitServers(t, proxy, "api", 0)
	mustAwaitServers(t, proxy, "front", 0)
	if got := servedBy(t, 20, proxy.URL+"/api/ping"); got[one.addr] == 0 || got[two.addr] == 0 {
		t.Errorf("20 reads were served by %v, want both", got)
	}
	servedBy(t, 3, proxy.URL+"/api/products?product=Robot")
	servedBy(t, 3, proxy.URL+"/")
	one.hangs.Store(false)
	mustAwaitServers(t, proxy, "api", 1)
	if got := servedBy(t, 20, proxy.URL+"/api/ping"); got[one.addr] != 20 {
		t.Errorf("20 reads were served by %v, want the one that is well", got)
	}
}

// TestUnwellReplicasGetAWriteOnce makes a write break off while no replica passes its check, and checks that it gets
// 502 and is not sent again.
func TestUnwellReplicasGetAWriteOnce(t *testing.T) {
	t.Parallel()
	one, two := mustStartFakeReplica(t, "127.0.0.1:0"), mustStartFakeReplica(t, "127.0.0.1:0")
	for _, f := range []*fakeReplica{one, two} {
		f.hangs.Store(true)
		f.dies.Store(true)
	}
	proxy := mustStart(t, programs.HAProxyConfig{API: []string{one.addr, two.addr}})
	mustAwaitServers(t, proxy, "api", 0)
	for n := range int64(3) {
		if got := mustGet(t, proxy.URL+"/api/products?product=Robot"); got.status != http.StatusBadGateway ||
			!got.problem() {
			t.Errorf("a write that broke off was answered %d %s, want 502", got.status, got.body)
		}
		if got := one.asked.Load() + two.asked.Load(); got != n+1 {
			t.Errorf("%d writes were sent %d times", n+1, got)
		}
	}
}

// TestEndingReplicasAreNotAsked makes the only replica report that it is shutting down, and checks that requests get
// 503 without reaching it.
func TestEndingReplicasAreNotAsked(t *testing.T) {
	t.Parallel()
	one := mustStartFakeReplica(t, "127.0.0.1:0")
	proxy := mustStart(t, programs.HAProxyConfig{API: []string{one.addr}})
	mustAwaitServers(t, proxy, "api", 1)
	one.refuses.Store(true)
	mustAwaitServers(t, proxy, "api", 0)
	mustAwaitServers(t, proxy, "api_unchecked", 0)
	if got := mustGet(t, proxy.URL+"/api/ping"); got.status != http.StatusServiceUnavailable || !got.problem() ||
		one.asked.Load() > 0 {
		t.Errorf("answered %d after %d requests to a replica that is ending, want 503 and none",
			got.status, one.asked.Load())
	}
}
