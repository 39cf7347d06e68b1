package reverseproxy_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/programs"
	"github.com/woodytoys/woodytoys/internal/servers"
)

func TestEachPathHasItsServers(t *testing.T) {
	proxy := mustStart(t, programs.HAProxyConfig{})
	for path, want := range map[string]string{
		"/": "front", "/robots.txt": "front", "/apiary": "front", "/api/ping": "one two", "/api/products/1": "one two",
	} {
		if got := mustGet(t, proxy.URL+path).header.Get("X-Served-By"); got == "" || !strings.Contains(want, got) {
			t.Errorf("%s is served by %q, want %s", path, got, want)
		}
	}
}

func TestBalance(t *testing.T) {
	for balance, good := range map[string]func(one, two int) bool{
		"":           func(one, two int) bool { return one > 0 && two > 0 }, // leastconn
		"leastconn":  func(one, two int) bool { return one > 0 && two > 0 },
		"roundrobin": func(one, two int) bool { return one == 20 && two == 20 },
		"random":     func(one, two int) bool { return one > 0 && two > 0 },
		"source":     func(one, two int) bool { return one == 40 || two == 40 },
	} {
		t.Run(balance, func(t *testing.T) {
			t.Parallel()
			got := servedBy(t, 40, mustStart(t, programs.HAProxyConfig{Balance: balance}).URL+"/api/ping")
			if !good(got["one"], got["two"]) {
				t.Errorf("40 requests were served by %v", got)
			}
		})
	}
}

// TestLeastConn makes one of two replicas hold its calls. It checks that leastconn sends all other requests to the
// other replica, and that roundrobin still sends half of them to each.
func TestLeastConn(t *testing.T) {
	t.Parallel()
	slow := mustStartShop(t, "slow", "WOODY_HEAVY_DELAY=1m", "WOODY_HEAVY_SLOTS=4")
	quick := mustStartShop(t, "quick", "WOODY_HEAVY_DELAY=3s", "WOODY_HEAVY_SLOTS=4") // so that both hold two at first
	for balance, good := range map[string]func(quick int) bool{
		"leastconn":  func(quick int) bool { return quick == 40 },
		"roundrobin": func(quick int) bool { return quick == 20 },
	} {
		t.Run(balance, func(t *testing.T) {
			proxy := mustStart(t, programs.HAProxyConfig{Balance: balance, API: []string{slow.Addr(), quick.Addr()}})
			ctx, release := context.WithCancel(t.Context())
			defer release()
			answered := make(chan bool, 4)
			for i := range cap(answered) {
				go func() {
					request, _ := http.NewRequestWithContext(ctx, http.MethodGet,
						fmt.Sprintf("%s/api/misc/heavy?name=%s%d", proxy.URL, balance, i), nil)
					if got, err := http.DefaultTransport.RoundTrip(request); err == nil {
						got.Body.Close()
						answered <- true
					}
				}()
				mustAwaitCalls(t, proxy, i+1) // or the proxy's threads would each count without the others'
			}
			for range 2 {
				select {
				case <-answered:
				case <-time.After(30 * time.Second):
					t.Fatal("of four heavy calls, the quick replica answered not even two")
				}
			}
			if got := servedBy(t, 40, proxy.URL+"/api/ping"); !good(got["quick"]) {
				t.Errorf("beside the held calls, 40 requests were served by %v", got)
			}
		})
	}
}

// mustAwaitCalls waits until the proxy has passed so many calls on to the replicas and heard no response.
func mustAwaitCalls(t *testing.T, proxy *programs.HAProxy, calls int) {
	t.Helper()
	for deadline := time.Now().Add(servers.Patience); ; time.Sleep(5 * time.Millisecond) {
		got := metric(t, mustGet(t, proxy.MetricsURL+"/metrics").body, `haproxy_backend_current_sessions{proxy="api"}`)
		if got == calls {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the replicas have %d calls, want %d", got, calls)
		}
	}
}

// TestBalanceBySource asks for many clients: all replicas work, and each client keeps its own.
func TestBalanceBySource(t *testing.T) {
	proxy := mustStart(t, programs.HAProxyConfig{Balance: "source", TrustedProxies: []string{"127.0.0.0/8"}})
	all := map[string]int{}
	for client := range 32 {
		got := servedBy(t, 3, proxy.URL+"/api/ping", fmt.Sprintf("X-Forwarded-For: 192.0.2.%d", client))
		if len(got) != 1 {
			t.Errorf("client %d was served by %v, want one replica", client, got)
		}
		for name := range got {
			all[name]++
		}
	}
	if all["one"] == 0 || all["two"] == 0 {
		t.Errorf("the clients were served by %v, want both replicas", all)
	}
}

func TestAMistypedBalanceIsRefused(t *testing.T) {
	_, err := programs.StartHAProxy(programs.HAProxyConfig{Balance: "lestconn"})
	if err == nil || !strings.Contains(err.Error(), "BALANCE is to be leastconn, roundrobin, source or random.") {
		t.Errorf("BALANCE=lestconn: %v", err)
	}
}

func TestSticky(t *testing.T) {
	proxy := mustStart(t, programs.HAProxyConfig{Balance: "roundrobin", Sticky: true})
	for range 4 {
		first := mustGet(t, proxy.URL+"/api/ping")
		cookie, _, _ := strings.Cut(first.header.Get("Set-Cookie"), ";")
		if !strings.HasPrefix(cookie, "woody_replica=") {
			t.Fatalf("Set-Cookie = %q", first.header.Get("Set-Cookie"))
		}
		want := first.header.Get("X-Served-By")
		if got := servedBy(t, 10, proxy.URL+"/api/ping", "Cookie: "+cookie); got[want] != 10 {
			t.Errorf("a browser first answered by %s was served by %v", want, got)
		}
	}
	if got := mustGet(t, mustStart(t, programs.HAProxyConfig{}).URL+"/api/ping").header.Get("Set-Cookie"); got != "" {
		t.Errorf("without STICKY=on there is the cookie %q", got)
	}
}

// TestStickyToTheDead kills the replica that a cookie names, and checks that another replica serves the client's
// requests.
func TestStickyToTheDead(t *testing.T) {
	mortal := mustStartShop(t, "mortal")
	proxy := mustStart(t,
		programs.HAProxyConfig{Balance: "roundrobin", Sticky: true, API: []string{mortal.Addr(), replicas[0].Addr()}})
	var cookie string
	for cookie == "" {
		if got := mustGet(t, proxy.URL+"/api/ping"); got.header.Get("X-Served-By") == "mortal" {
			cookie, _, _ = strings.Cut(got.header.Get("Set-Cookie"), ";")
		}
	}
	mortal.Kill()
	if got := servedBy(t, 10, proxy.URL+"/api/ping", "Cookie: "+cookie); got["one"] != 10 {
		t.Errorf("served by %v, want the one that lives", got)
	}
}

// TestEdges sends the host cdn.* to the edges, each address always to the same one.
func TestEdges(t *testing.T) {
	edges := []string{replicas[0].Addr(), replicas[1].Addr()} // which answer any path as an edge would
	proxy := mustStart(t, programs.HAProxyConfig{CDN: edges})
	all := map[string]int{}
	for i := range 32 {
		got := servedBy(t, 3, fmt.Sprintf("%s/?%d", proxy.URL, i), "Host: cdn.shop.example")
		if len(got) != 1 {
			t.Fatalf("address %d was served by %v, want one edge", i, got)
		}
	}
	for _, path := range assets(t, proxy.URL) {
		got := servedBy(t, 3, proxy.URL+path, "Host: cdn.shop.example:8080")
		if len(got) != 1 || got["front"] > 0 {
			t.Errorf("%s was served by %v, want one edge", path, got)
		}
		for name := range got {
			all[name]++
		}
	}
	if all["one"] == 0 || all["two"] == 0 {
		t.Errorf("the assets were served by %v, want both edges", all)
	}
	if got := servedBy(t, 3, proxy.URL+"/", "Host: shop.example"); got["front"] != 3 {
		t.Errorf("the page was served by %v, want the front", got)
	}
}

func TestWithoutEdgesTheFrontAnswers(t *testing.T) {
	for _, edges := range [][]string{nil, {"127.0.0.1:1"}} {
		proxy := mustStart(t, programs.HAProxyConfig{CDN: edges})
		if got := servedBy(t, 5, proxy.URL+"/", "Host: cdn.shop.example"); got["front"] != 5 {
			t.Errorf("edges %v: served by %v, want the front", edges, got)
		}
	}
}

// assets returns the addresses of the scripts and styles that the page loads.
func assets(t *testing.T, url string) []string {
	t.Helper()
	found := regexp.MustCompile(`/assets/[\w.-]+`).FindAllString(mustGet(t, url+"/").body, -1)
	if len(found) < 10 {
		t.Fatalf("the page names %d assets", len(found))
	}
	return found
}

// TestConnectionsAreKept makes 500 requests on one connection, and wants the replicas to have seen few.
func TestConnectionsAreKept(t *testing.T) {
	proxy := mustStart(t, programs.HAProxyConfig{})
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for range 500 {
		got, err := client.Get(proxy.URL + "/api/ping")
		if err != nil {
			t.Fatal(err)
		}
		buffer := make([]byte, 100)
		for err == nil {
			_, err = got.Body.Read(buffer)
		}
		got.Body.Close()
	}
	var requests, opened int
	// A request is counted a moment after its response was sent.
	for deadline := time.Now().Add(servers.Patience); requests < 500 && time.Now().Before(deadline); {
		metrics := mustGet(t, proxy.MetricsURL+"/metrics").body
		requests = metric(t, metrics, `haproxy_backend_http_requests_total{proxy="api"}`)
		opened = metric(t, metrics, `haproxy_backend_connection_attempts_total{proxy="api"}`)
	}
	if requests != 500 || opened < 1 || opened > 10 {
		t.Errorf("%d requests took %d connections to replicas, want 500 on at most 10", requests, opened)
	}
}

// TestConnectionsAreKeptBesideManyWrites has 450 callers wait for writes, which take nearly half of the proxy's
// descriptors or more, and 16 others read meanwhile: their requests share connections to the replicas all the same.
func TestConnectionsAreKeptBesideManyWrites(t *testing.T) {
	const writers, readers, reads = 450, 16, 50
	done := make(chan struct{})
	var written sync.WaitGroup
	var held atomic.Int64
	replica := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			held.Add(1)
			<-done
		}
	})
	var cfg programs.HAProxyConfig
	for range 3 {
		server := httptest.NewServer(replica)
		t.Cleanup(server.Close)
		cfg.API = append(cfg.API, server.Listener.Addr().String())
	}
	proxy := mustStart(t, cfg)
	t.Cleanup(written.Wait)
	t.Cleanup(func() { close(done) })
	for range writers {
		written.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			// The second request of a connection, as most are.
			if got, err := client.Get(proxy.URL + "/api/ping"); err == nil {
				got.Body.Close()
			}
			if got, err := client.Post(proxy.URL+"/api/products", "text/plain", nil); err == nil {
				got.Body.Close()
			}
		})
	}
	for deadline := time.Now().Add(time.Minute); held.Load() < writers; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d writes are under way, want %d", held.Load(), writers)
		}
	}
	opened := func() int {
		metrics := mustGet(t, proxy.MetricsURL+"/metrics").body
		return metric(t, metrics, `haproxy_backend_connection_attempts_total{proxy="api"}`)
	}
	before := opened()
	var group sync.WaitGroup
	for range readers {
		group.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for range reads {
				got, err := client.Get(proxy.URL + "/api/ping")
				if err != nil {
					t.Error(err)
					return
				}
				got.Body.Close()
			}
		})
	}
	group.Wait()
	if got := opened() - before; got > readers*reads/10 {
		t.Errorf("%d reads beside %d writes opened %d connections to replicas, want few", readers*reads, writers, got)
	}
}

func metric(t *testing.T, metrics, name string) int {
	t.Helper()
	_, rest, found := strings.Cut(metrics, "\n"+name+" ")
	value, _, _ := strings.Cut(rest, "\n")
	n, err := strconv.Atoi(value)
	if !found || err != nil {
		t.Fatalf("there is no metric %s", name)
	}
	return n
}

func TestMetricsAreNotPublic(t *testing.T) {
	proxy := mustStart(t, programs.HAProxyConfig{})
	if got := mustGet(t, proxy.MetricsURL+"/metrics"); !strings.Contains(got.body, "haproxy_server_status") {
		t.Errorf("/metrics on the inner port = %d %.100s", got.status, got.body)
	}
	if got := mustGet(t, proxy.URL+"/metrics"); got.status != http.StatusNotFound {
		t.Errorf("/metrics on the public port = %d, want 404", got.status)
	}
}
