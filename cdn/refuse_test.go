package cdn_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"testing"
)

// TestOnlyAssetsAreServed asks for what is not the edge's. The origin must hear of none of it.
func TestOnlyAssetsAreServed(t *testing.T) {
	t.Parallel()
	stage := mustStartStage(t)
	edge := mustStartEdge(t, []string{stage.addr}, "WOODY_CDN_HOSTS=cdn.* assets.example.org")
	good := "/assets/app.0123456789abcdef.js"
	for _, row := range []struct {
		method, host, path string
		status             int
	}{
		{"GET", "cdn.shop.example", good, 200},
		{"GET", "cdn.shop.example:8080", good, 200},
		{"GET", "CDN.Shop.Example", good, 200},
		{"GET", "assets.example.org", good, 200},
		{"HEAD", "cdn.shop.example", good, 200},
		{"GET", "cdn.shop.example", good + "?from=mail", 200},
		{"GET", "cdn.shop.example", "/5mo.jpg", 200},
		{"GET", "cdn.shop.example", "/favicon.ico", 200},
		{"GET", "cdn.shop.example", "/robots.txt", 200},

		{"GET", "shop.example", good, 421},
		{"GET", "cdn.", good, 421},
		{"GET", "xcdn.shop.example", good, 421},
		{"GET", "assets.example.org.evil.example", good, 421},
		{"GET", "assetsXexample.org", good, 421},
		{"GET", "127.0.0.1", good, 421},

		{"POST", "cdn.shop.example", good, 405},
		{"PURGE", "cdn.shop.example", good, 405},
		{"OPTIONS", "cdn.shop.example", good, 405},

		{"GET", "cdn.shop.example", "/", 404},
		{"GET", "cdn.shop.example", "/api/ping", 404},
		{"GET", "cdn.shop.example", "/assets/", 404},
		// leads to the edge, so the edge cannot answer it
		{"GET", "cdn.shop.example", "/assets/toy-picture?name=Yoyo", 404},
		{"GET", "cdn.shop.example", "/assets/../api/ping", 404},
		{"GET", "cdn.shop.example", "/assets/a.b/../../api/ping", 404},
		{"GET", "cdn.shop.example", "/assets/%2e%2e/api/ping", 404},
		{"GET", "cdn.shop.example", "/assets/..", 404},
		{"GET", "cdn.shop.example", "/assets//api.ping", 404},
		{"GET", "cdn.shop.example", "//assets/app.js", 404},
		{"GET", "cdn.shop.example", "/5mo.jpg/x", 404},
		{"GET", "cdn.shop.example", "/metrics", 404},
	} {
		t.Run(row.method+" "+row.host+row.path, func(t *testing.T) {
			for _, path := range []string{good, "/5mo.jpg", "/favicon.ico", "/robots.txt"} {
				stage.script(path).expect(says("v1", "Cache-Control", "max-age=60"))
			}
			got, err := ask(row.method, edge.URL+row.path, "Host", row.host)
			if err != nil {
				t.Fatal(err)
			}
			if got.status != row.status {
				t.Errorf("status = %d %s, want %d", got.status, got.body, row.status)
			}
			if kept := got.header.Get("Cache-Control"); row.status != 200 && kept != "no-store" {
				t.Errorf("Cache-Control = %q, want no-store", kept)
			}
			if allow := got.header.Get("Allow"); row.status == 405 && allow != "GET, HEAD" {
				t.Errorf("Allow = %q, want GET, HEAD", allow)
			}
		})
	}
	stage.mu.Lock()
	defer stage.mu.Unlock()
	if n := len(stage.scripts); n != 4 {
		t.Errorf("the origin was asked for %d paths, want the 4 that are assets: %v", n, stage.scripts)
	}
}

// TestHostIsTakenFromTheRequestLine sends what no client library does.
func TestHostIsTakenFromTheRequestLine(t *testing.T) {
	t.Parallel()
	stage := mustStartStage(t)
	edge := mustStartEdge(t, []string{stage.addr}, "WOODY_CDN_HOSTS=cdn.*")
	for _, row := range []struct {
		request string
		status  int
	}{
		{"GET /assets/a.1.js HTTP/1.0\r\n\r\n", 421},
		{"GET /assets/a.1.js HTTP/1.1\r\n\r\n", 400},
		{"GET http://shop.example/assets/a.1.js HTTP/1.1\r\nHost: cdn.shop.example\r\n\r\n", 421},
		{"GET /assets/a.1.js HTTP/1.1\r\nHost: cdn.shop.example\r\nHost: cdn.shop.example\r\n\r\n", 400},
	} {
		conn, err := net.Dial("tcp", edge.Addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprint(conn, row.request)
		got, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%q: %v", row.request, err)
		}
		got.Body.Close()
		if got.StatusCode != row.status {
			t.Errorf("%q: status = %d, want %d", row.request, got.StatusCode, row.status)
		}
	}
}

// TestHealth asks as a health check does, which knows no host.
func TestHealth(t *testing.T) {
	t.Parallel()
	edge := mustStartEdge(t, []string{"127.0.0.1:9"}, "WOODY_CDN_HOSTS=cdn.*")
	for _, path := range []string{"/healthz", "/readyz"} {
		got := mustAsk(t, edge.URL+path)
		if got.status != 200 || got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v, want 200 with no-store, also while the origin is away", path, got.status, got.header)
		}
	}
}
