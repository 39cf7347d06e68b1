package reverseproxy_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/programs"
	"github.com/woodytoys/woodytoys/internal/servers"
	reverseproxy "github.com/woodytoys/woodytoys/reverse-proxy"
)

// TestWhateverTheProxyAnswersItself makes HAProxy produce every error response that it can, with the shipped
// configuration, and checks that each is problem+json with the right status, and may not be cached.
func TestWhateverTheProxyAnswersItself(t *testing.T) {
	statuses := mustListOwn(t)
	if len(statuses) < 17 {
		t.Fatalf("HAProxy makes %v; that cannot be all", statuses)
	}
	url := mustStartWith(t, func(bind string) string {
		rules := "frontend of_each_status\n    bind " + bind + "\n"
		for _, status := range statuses {
			rules += fmt.Sprintf("    http-request deny deny_status %d if { path /%[1]d }\n", status)
		}
		return rules + "    http-request return status 200 content-type text/plain string ready\n"
	})
	for _, status := range statuses {
		got := mustGet(t, fmt.Sprintf("%s/%d", url, status))
		var body struct {
			Type, Title, Detail string
			Status              int
		}
		err := json.Unmarshal([]byte(got.body), &body)
		if got.status != status || !got.problem() || err != nil || body.Type != "about:blank" ||
			body.Title != http.StatusText(status) || body.Detail == "" {
			t.Errorf("%d is answered %d %s %s (%v), want problem+json",
				status, got.status, got.header.Get("Content-Type"), got.body, err)
		}
		if control := got.header.Get("Cache-Control"); control != "no-store" {
			t.Errorf("%d: Cache-Control = %q, want no-store", status, control)
		}
	}
}

// mustListOwn returns the statuses of failures that HAProxy can make: it refuses an http-error for any other.
func mustListOwn(t *testing.T) (statuses []int) {
	t.Helper()
	const many = 20 // it gives up after fifty errors
	for from := 400; from < 600; from += many {
		config := "defaults\n" // so that the line of a status is 2 and what it is above from
		for status := from; status < from+many; status++ {
			config += fmt.Sprintf("    http-error status %d content-type text/plain string x\n", status)
		}
		file := filepath.Join(t.TempDir(), "haproxy.cfg")
		if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
			t.Fatal(err)
		}
		output, _ := exec.Command("haproxy", "-c", "-f", file).CombinedOutput() // it fails: nothing is listened to
		for status := from; status < from+many; status++ {
			if !strings.Contains(string(output), fmt.Sprintf("haproxy.cfg:%d]", 2+status-from)) {
				statuses = append(statuses, status)
			}
		}
	}
	return statuses
}

// mustStartWith starts HAProxy with the shipped configuration and a frontend more, which takes over its defaults, and
// returns the frontend's URL.
func mustStartWith(t *testing.T, frontend func(bind string) string) (url string) {
	t.Helper()
	dir := t.TempDir()
	shipped, more := filepath.Join(dir, "haproxy.cfg"), filepath.Join(dir, "more.cfg")
	for file, text := range map[string]string{shipped: reverseproxy.Config, more: frontend("fd@3")} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("haproxy", "-db", "-f", shipped, "-f", more)
	cmd.Env = os.Environ()
	for _, bind := range []string{"HTTP", "METRICS", "WRITES"} {
		cmd.Env = append(cmd.Env, bind+"_BIND=unix@"+filepath.Join(dir, bind))
	}
	process, addr, err := servers.StartOnSocket(cmd, filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(process.Kill)
	url = "http://" + addr
	client := http.Client{Timeout: time.Second}
	err = process.AwaitReady(servers.Patience, func() error {
		got, err := client.Get(url)
		if err == nil {
			got.Body.Close()
		}
		return err
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, process.Log())
	}
	return url
}

// TestWhatNeverBecameARequest shows the responses that no http-error replaces: they come from HAProxy's parser. (One
// too slow to end its header is in TestSlowRequests.) What follows on the connection is not answered.
func TestWhatNeverBecameARequest(t *testing.T) { inBothWays(t, testWhatNeverBecameARequest) }

func testWhatNeverBecameARequest(t *testing.T, w way) {
	proxy := w.mustStart(t, programs.HAProxyConfig{})
	const host = "Host: shop.example\r\n"
	for request, want := range map[string]int{
		"nonsense\r\n\r\n": 400,
		"GET /api/ping HTTP/1.1\r\n" + host + "a b: c\r\n\r\n":                                             400,
		"GET /api/ping HTTP/1.1\r\n" + host + "X: " + strings.Repeat("x", 20<<10) + "\r\n\r\n":             400,
		"POST /api/products HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip\r\n\r\n":                       400,
		"POST /api/products HTTP/1.1\r\n" + host + "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n": 422,
		"POST /api/products HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n":     422,
	} {
		got, all := raw(t, proxy, request+"GET /api/ping HTTP/1.1\r\n"+host+"Connection: close\r\n\r\n")
		if got != want || strings.Count(all, "HTTP/1.1 ") != 1 || !strings.Contains(all, "<html>") ||
			!strings.Contains(all, "Cache-Control: no-cache") {
			t.Errorf("%.80q is answered %q, want HAProxy's own %d and nothing else", request, all, want)
		}
	}
}
