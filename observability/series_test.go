package observability_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/woodytoys/woodytoys/internal/programs"
)

// mustRunShop starts the shop and a proxy in front of it.
func mustRunShop(t *testing.T) (*programs.Shop, *programs.HAProxy) {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "api")
	if err := programs.BuildShop(program); err != nil {
		t.Fatal(err)
	}
	shop, err := programs.StartShop(exec.Command(program), filepath.Join(dir, "log"), "WOODY_DATA_DIR="+dir,
		"WOODY_ADMIN_ADDR=127.0.0.1:0", "WOODY_SLOW_QUERY_DELAY=0", "WOODY_HEAVY_DELAY=0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(shop.Kill)
	behind := []string{shop.Addr()}
	proxy, err := programs.StartHAProxy(programs.HAProxyConfig{API: behind, Front: behind})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	return shop, proxy
}

// mustRead returns what a page of metrics says.
func mustRead(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Get(url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", url, response.Status, err)
	}
	return string(text)
}

// names returns the series of a page of metrics, without their values.
func names(page string) map[string]bool {
	all := map[string]bool{}
	for line := range strings.Lines(page) {
		if i := strings.LastIndexByte(line, ' '); i > 0 && line[0] != '#' {
			all[line[:i]] = true
		}
	}
	return all
}

// TestMetricsAreNamedAsPrometheusHasThem checks the shop's own page against Prometheus' conventions.
func TestMetricsAreNamedAsPrometheusHasThem(t *testing.T) {
	t.Parallel()
	shop, _ := mustRunShop(t)
	problems, err := promlint.New(strings.NewReader(mustRead(t, shop.AdminURL))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Errorf("%s: %s", problem.Metric, problem.Text)
	}
}

// strange are 5,000 requests that nobody would make, each with what no other has: a method, a path, a host, or all.
// They are spoken by the byte, since net/http knows better.
const strange = 5000

func strangeRequest(i int) string {
	method, path, host := "GET", "/api/ping", "shop"
	if i%4 == 0 || i%4 == 3 {
		method = fmt.Sprint("M", i)
	}
	if i%4 == 1 || i%4 == 3 {
		path = fmt.Sprintf("/%s/p%d", []string{"api", "api/products", "api/misc", "x"}[i/4%4], i)
	}
	if i%4 == 2 || i%4 == 3 {
		host = fmt.Sprintf("h%d.example.org", i)
	}
	return fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 0\r\n\r\n", method, path, host)
}

// sendStrange sends the requests from one to another at an address, and returns how many of each status there were.
func sendStrange(ctx context.Context, addr string, from, to int) (statuses map[int]int, err error) {
	statuses = map[int]int{}
	var conn net.Conn
	var responses *bufio.Reader
	defer func() {
		if conn != nil {
			conn.Close()
		}
	}()
	for i := from; i < to; i++ {
		if conn == nil {
			var dialer net.Dialer
			if conn, err = dialer.DialContext(ctx, "tcp", addr); err != nil {
				return statuses, err
			}
			responses = bufio.NewReader(conn)
		}
		if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
			return statuses, err
		}
		if _, err := io.WriteString(conn, strangeRequest(i)); err != nil {
			return statuses, err
		}
		response, err := http.ReadResponse(responses, nil)
		if err != nil {
			return statuses, fmt.Errorf("request %d, %q: %w", i, strangeRequest(i), err)
		}
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			return statuses, err
		}
		statuses[response.StatusCode]++
		if response.Close {
			conn.Close()
			conn = nil
		}
	}
	return statuses, nil
}

// TestStrangersAddNoSeries holds that what callers send makes up no series, at the replica and at the proxy.
func TestStrangersAddNoSeries(t *testing.T) {
	t.Parallel()
	shop, proxy := mustRunShop(t)
	pages := map[string]string{"the replica": shop.AdminURL, "the proxy": proxy.MetricsURL}
	for to, addr := range map[string]string{"the replica": shop.Addr(), "the proxy": proxy.Addr()} {
		// The first request of each kind may add a series, for its status.
		if _, err := sendStrange(t.Context(), addr, 0, 64); err != nil {
			t.Fatal(to, err)
		}
	}
	before := map[string]map[string]bool{}
	for of, page := range pages {
		before[of] = names(mustRead(t, page))
	}
	for to, addr := range map[string]string{"the replica": shop.Addr(), "the proxy": proxy.Addr()} {
		statuses, err := sendStrange(t.Context(), addr, 64, 64+strange)
		if err != nil {
			t.Fatal(to, err)
		}
		t.Logf("%s answers %v", to, statuses)
	}
	for of, page := range pages {
		after, added := names(mustRead(t, page)), 0
		for name := range after {
			// That of a check comes with the first check, whoever asks.
			if !before[of][name] && !strings.HasPrefix(name, "haproxy_server_check_") {
				if added++; added <= 5 {
					t.Errorf("%s has a new series: %s", of, name)
				}
			}
		}
		if added > 0 {
			t.Errorf("%s has %d new series", of, added)
		}
		t.Logf("%s has %d series", of, len(after))
	}
}
