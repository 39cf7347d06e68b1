package reverseproxy_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/internal/programs"
)

// TestUnfinishedBodies checks that, with TLS, only requests whose bodies do not fit in a buffer or have no length take
// the few slots for them, or are refused where no body is expected, and that without TLS no request takes one. Each
// request is the first of its connection.
func TestUnfinishedBodies(t *testing.T) { inEachWay(t, testUnfinishedBodies) }

func testUnfinishedBodies(t *testing.T, w way) {
	proxy := w.mustStart(t, programs.HAProxyConfig{})
	small, large := `{"name":"Robot"}`, `{"name":"`+strings.Repeat("x", 20_000)+`"}`
	unknown := func(body string) io.Reader { return io.MultiReader(strings.NewReader(body)) }
	first := " server=api/api"
	if w == byHTTP2 { // which has no first
		first = " server=writes/itself "
	}
	for i, row := range []struct {
		method, path string
		body         io.Reader
		status       int
		server       string
		withoutTLS   int // its status there
	}{
		{"POST", "/api/products", strings.NewReader(small), 201, first, 201},
		{"POST", "/api/products", strings.NewReader(large), 400, " server=unfinished/itself ", 400},
		{"POST", "/api/products", unknown(small), 201, " server=unfinished/itself ", 201},
		{"POST", "/api/products", nil, 400, first, 400},
		{"DELETE", "/api/products/1000000", nil, 404, first, 404},
		{"GET", "/api/ping", strings.NewReader(large), 200, " server=unfinished/itself ", 200},
		{"GET", "/api/ping", nil, 200, " server=api/api", 200},
		{"POST", "/", strings.NewReader(small), 405, " server=front/front", 405},
		{"POST", "/", strings.NewReader(large), 413, " server=public/<NOSRV> ", 405},
		{"POST", "/", unknown(small), 413, " server=public/<NOSRV> ", 405},
	} {
		id := fmt.Sprintf("row-%d.", i)
		got, err := send(apart, row.method, proxy.URL+row.path, row.body, "Content-Type: application/json",
			"X-Request-Id: "+id)
		line := logLine(t, proxy, "request="+id)
		if w == plainly {
			row.status = row.withoutTLS
		}
		if err != nil && row.status/100 == 2 {
			t.Fatal(err)
		}
		if !strings.Contains(line, fmt.Sprintf(" status=%d ", row.status)) ||
			err == nil && got.status != row.status || w != plainly && !strings.Contains(line, row.server) ||
			w == plainly && strings.Contains(line, "unfinished") {
			t.Errorf("%s %s: %d %.200s, logged as %s; want %d%s", row.method, row.path, got.status, got.body, line,
				row.status, row.server)
		}
	}
	if got := mustGet(t, proxy.URL+"/api/ping"); got.status != http.StatusOK {
		t.Errorf("another request is answered %d", got.status)
	}
}
