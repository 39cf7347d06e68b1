package reverseproxy_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/internal/programs"
)

// What all tests share: the program, two replicas and a front, each with products of its own.
var (
	program  string
	replicas = make([]*programs.Shop, 2)
	front    *programs.Shop
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "woody-proxy")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "api")
	if err := programs.BuildShop(program); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	for i, shop := range []**programs.Shop{&replicas[0], &replicas[1], &front} {
		*shop, err = startShop(dir, []string{"one", "two", "front"}[i])
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer (*shop).Kill()
	}
	return m.Run()
}

func startShop(dir, name string, settings ...string) (*programs.Shop, error) {
	settings = append([]string{"WOODY_REPLICA_ID=" + name, "WOODY_DATA_DIR=" + filepath.Join(dir, name),
		"WOODY_HEAVY_DELAY=10ms", "WOODY_SLOW_QUERY_DELAY=0"}, settings...)
	return programs.StartShop(exec.Command(program), filepath.Join(dir, name+".log"), settings...)
}

func mustStartShop(t *testing.T, name string, settings ...string) *programs.Shop {
	t.Helper()
	shop, err := startShop(t.TempDir(), name, settings...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(shop.Kill)
	return shop
}

// mustStart starts the proxy; where cfg names none, before the shared replicas and front.
func mustStart(t *testing.T, cfg programs.HAProxyConfig) *programs.HAProxy {
	t.Helper()
	if cfg.API == nil {
		cfg.API = []string{replicas[0].Addr(), replicas[1].Addr()}
	}
	if cfg.Front == nil {
		cfg.Front = []string{front.Addr()}
	}
	proxy, err := programs.StartHAProxy(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	return proxy
}

type response struct {
	status int
	header http.Header
	body   string
}

// problem reports whether it is an error as problem+json of its own status.
func (a response) problem() bool {
	return a.header.Get("Content-Type") == "application/problem+json" &&
		strings.Contains(a.body, fmt.Sprintf(`"status":%d,`, a.status))
}

// apart makes a connection for each request.
var apart = transport(true)

// mustDo sends one request on a connection of its own; fields are "Name: value".
func mustDo(t *testing.T, method, url string, body io.Reader, fields ...string) response {
	t.Helper()
	return mustSend(t, apart, method, url, body, fields...)
}

// mustSend sends one request on a connection of the transport's; fields are "Name: value".
func mustSend(t *testing.T, transport *http.Transport, method, url string, body io.Reader, fields ...string) response {
	t.Helper()
	got, err := send(transport, method, url, body, fields...)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// send is mustSend for a test that expects a refusal before all of the body was sent: the error may come instead.
func send(transport *http.Transport, method, url string, body io.Reader, fields ...string) (r response, err error) {
	request, err := http.NewRequest(method, url, body)
	if err != nil {
		return r, err
	}
	for _, field := range fields {
		name, value, _ := strings.Cut(field, ": ")
		if name == "Host" {
			request.Host = value
		}
		request.Header.Add(name, value)
	}
	got, err := transport.RoundTrip(request)
	if err != nil {
		return r, err
	}
	defer got.Body.Close()
	content, err := io.ReadAll(got.Body)
	return response{got.StatusCode, got.Header, string(content)}, err
}

func mustGet(t *testing.T, url string, fields ...string) response {
	t.Helper()
	return mustDo(t, http.MethodGet, url, nil, fields...)
}

// servedBy asks n times and counts who answered.
func servedBy(t *testing.T, n int, url string, fields ...string) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for range n {
		got := mustGet(t, url, fields...)
		if got.status != http.StatusOK {
			t.Fatalf("GET %s = %d %s", url, got.status, got.body)
		}
		counts[got.header.Get("X-Served-By")]++
	}
	return counts
}
