package cdn_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/woodytoys/woodytoys/internal/programs"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// frontProgram is the front, built once for all tests that ask for it.
var frontProgram = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "woody-front")
	if err != nil {
		return "", err
	}
	program := filepath.Join(dir, "front")
	return program, programs.BuildFront(program)
})

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "woody-cdn")
	if err == nil {
		err = compileQuickly(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	if program, _ := frontProgram(); program != "" {
		os.RemoveAll(filepath.Dir(program))
	}
	os.Exit(code)
}

// compileQuickly puts a stand-in for the compiler that varnishd calls before it on the PATH, which does not optimize.
// Every edge compiles its VCL when it starts, and when its origin moves: that is most of what these tests compute.
func compileQuickly(dir string) error {
	// Debian's; others stay as they are
	for _, name := range []string{"x86_64-linux-gnu-gcc", "aarch64-linux-gnu-gcc"} {
		compiler, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		script := "#!/bin/sh\nexec " + compiler + ` "$@" -O0` + "\n"
		if err := servers.WriteScript(filepath.Join(dir, name), script); err != nil {
			return err
		}
	}
	return os.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}

func mustStartFront(t *testing.T, settings ...string) *programs.Front {
	t.Helper()
	program, err := frontProgram()
	if err != nil {
		t.Fatal(err)
	}
	front, err := programs.StartFront(exec.Command(program), filepath.Join(t.TempDir(), "log"), settings...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(front.Kill)
	return front
}

func mustFindFreePort(t *testing.T, host string) string {
	t.Helper()
	port, err := servers.FreePort(host)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func mustStartEdge(t *testing.T, origin []string, settings ...string) *programs.Varnish {
	t.Helper()
	edge, err := programs.StartVarnish(origin, settings...)
	if err != nil {
		t.Fatalf("start the edge (scripts/need varnish installs it): %v", err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the edge said:\n%s", edge.Log())
		}
		edge.Close()
	})
	return edge
}

// counter stands between the edge and its origin and counts what the edge asks for.
type counter struct {
	addr string

	mu    sync.Mutex
	asked []string // "GET /assets/…"; health checks are left out
}

func mustCount(t *testing.T, originURL string) *counter {
	t.Helper()
	origin, err := url.Parse(originURL)
	if err != nil {
		t.Fatal(err)
	}
	c := &counter{}
	pass := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(origin) },
		FlushInterval: -1,
		ErrorLog:      log.New(io.Discard, "", 0), // a health check that ran out of time is no news
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			c.mu.Lock()
			c.asked = append(c.asked, r.Method+" "+r.URL.Path)
			c.mu.Unlock()
		}
		pass.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	c.addr = server.Listener.Addr().String()
	return c
}

// since returns what was asked since the last call.
func (c *counter) since() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	asked := c.asked
	c.asked = nil
	slices.Sort(asked)
	return asked
}

// count returns how often something was asked since then.
func (c *counter) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.asked)
}

// response is a server's response.
type response struct {
	status int
	header http.Header
	body   []byte
}

// client shows answers as they are: it neither unpacks nor follows.
var client = &http.Client{
	Transport:     &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 100},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// ask sends a request with pairs of header names and values. A response whose body does not come to its end is an
// error.
func ask(method, url string, headers ...string) (response, error) {
	request, err := http.NewRequestWithContext(context.Background(), method, url, nil)
	if err != nil {
		return response{}, err
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			request.Host = headers[i+1]
		} else {
			request.Header.Add(headers[i], headers[i+1])
		}
	}
	got, err := client.Do(request)
	if err != nil {
		return response{}, err
	}
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	if err != nil {
		return response{}, fmt.Errorf("the body of %s: %w", url, err)
	}
	return response{got.StatusCode, got.Header, body}, nil
}

func mustAsk(t *testing.T, url string, headers ...string) response {
	t.Helper()
	got, err := ask(http.MethodGet, url, headers...)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// wantSame checks that a response is 200 with the body of another one.
func (a response) wantSame(t *testing.T, other response) {
	t.Helper()
	if a.status != http.StatusOK || string(a.body) != string(other.body) {
		t.Errorf("the answer is %d with %d bytes, want 200 with the same %d bytes",
			a.status, len(a.body), len(other.body))
	}
}

var (
	assetPath = regexp.MustCompile(`/assets/[a-z0-9-]+\.[0-9a-f]{16}\.[a-z]+`)
	sibling   = regexp.MustCompile(`\./([a-z0-9-]+\.[0-9a-f]{16}\.[a-z]+)`) // as scripts and styles name each other
)

// mustListAssets returns the paths of all assets that the page names, and of those that its style and scripts name.
func mustListAssets(t *testing.T, frontURL string) []string {
	t.Helper()
	paths := assetPath.FindAllString(string(mustAsk(t, frontURL+"/").body), -1)
	for _, path := range paths {
		if strings.HasSuffix(path, ".css") || strings.HasSuffix(path, ".js") {
			for _, name := range sibling.FindAllStringSubmatch(string(mustAsk(t, frontURL+path).body), -1) {
				paths = append(paths, "/assets/"+name[1])
			}
		}
	}
	slices.Sort(paths)
	paths = slices.Compact(paths)
	if len(paths) < 10 {
		t.Fatalf("the page names %d assets, want at least 10", len(paths))
	}
	return paths
}

func mustFind(t *testing.T, paths []string, name string) string {
	t.Helper()
	i := slices.IndexFunc(paths, func(path string) bool {
		return regexp.MustCompile(`^/assets/` + name + `\.`).MatchString(path)
	})
	if i < 0 {
		t.Fatalf("there is no %s among %q", name, paths)
	}
	return paths[i]
}

// compare reads a response without keeping it; anything but 200 with the wanted body is an error.
func compare(url string, want []byte) error {
	response, err := client.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: the answer is %s", url, response.Status)
	}
	rest, part := want, make([]byte, min(len(want)+1, 64<<10))
	for {
		n, err := response.Body.Read(part)
		if !bytes.HasPrefix(rest, part[:n]) {
			return fmt.Errorf("%s: other bytes than wanted after %d", url, len(want)-len(rest))
		}
		rest = rest[n:]
		if err == io.EOF && len(rest) == 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w after %d of %d bytes", url, err, len(want)-len(rest), len(want))
		}
	}
}

// readSome reads the first bytes of a response and leaves.
func readSome(ctx context.Context, url string, bytes int64) error {
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.CopyN(io.Discard, response.Body, bytes); err != nil {
		return errors.Join(errors.New("the beginning of the body"), err)
	}
	return nil
}
