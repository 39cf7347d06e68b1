package reverseproxy_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/cache/conditional/conditionaltest"
	"github.com/woodytoys/woodytoys/internal/programs"
	"github.com/woodytoys/woodytoys/internal/rfc9110"
)

// TestTablesThroughTheProxy checks one replica, the front, and an edge before the front against what RFC 9110 says, all
// behind the proxy.
func TestTablesThroughTheProxy(t *testing.T) {
	edge, err := programs.StartVarnish([]string{front.Addr()})
	if err != nil {
		t.Fatalf("start the edge (scripts/need varnish installs it): %v", err)
	}
	t.Cleanup(edge.Close)
	inEachWay(t, func(t *testing.T, w way) {
		cfg := programs.HAProxyConfig{API: []string{replicas[0].Addr()}, CDN: []string{edge.Addr}}
		testTables(t, w.mustStart(t, cfg))
	})
}

func testTables(t *testing.T, proxy *programs.HAProxy) {
	for name, test := range map[string]func(*testing.T, *programs.HAProxy){
		"conditions of reads": testConditionsOfReads, "conditions of writes": testConditionsOfWrites,
		"conditions of compressed answers": testConditionsOfCompressedAnswers,
		"ranges":                           testRanges, "types": testTypes, "codings": testCodings,
		"codings of the proxy": testCodingsOfTheProxy,
	} {
		t.Run(name, func(t *testing.T) { test(t, proxy) })
	}
}

const (
	shopHost = "Host: shop.example"
	cdnHost  = "Host: cdn.localhost"
	plain    = "Accept-Encoding: identity" // else the client asks for gzip, and the proxy makes tags weak
)

// testConditionsOfReads checks reads of the API, of the front and of the edge behind it against the table.
func testConditionsOfReads(t *testing.T, proxy *programs.HAProxy) {
	for _, read := range []struct{ host, path string }{
		{shopHost, "/api/ping"}, {shopHost, "/api/products/1"}, {shopHost, "/api/products?limit=1"},
		{shopHost, "/api/openapi.json"},
		{shopHost, "/"}, {shopHost, "/robots.txt"}, {cdnHost, "/robots.txt"}, {cdnHost, "/favicon.ico"},
	} {
		tag := mustGet(t, proxy.URL+read.path, read.host, plain).header.Get("ETag")
		for _, row := range conditionaltest.Cases {
			want := row.Read
			if read.host == cdnHost {
				want = row.AtCache()
			}
			got := mustGet(t, proxy.URL+read.path, append(row.For(tag), read.host, plain)...)
			if got.status != want || want == 304 && (got.body != "" || got.header.Get("ETag") != tag) {
				t.Errorf("%s%s: %v = %d %.80q, want %d", read.host, read.path, row, got.status, got.body, want)
			}
		}
	}
}

// testConditionsOfWrites sends each row as the first request of a connection, and on one that is kept: that one passes
// through the proxy twice.
func testConditionsOfWrites(t *testing.T, proxy *programs.HAProxy) {
	keepAlive := transport(false)
	defer keepAlive.CloseIdleConnections()
	for _, row := range conditionaltest.Cases {
		testConditionOfWrites(t, proxy, apart, row)
		testConditionOfWrites(t, proxy, keepAlive, row)
	}
}

func testConditionOfWrites(t *testing.T, proxy *programs.HAProxy, transport *http.Transport, row conditionaltest.Case) {
	const media = "Content-Type: application/json"
	made := mustSend(t, transport, http.MethodPost, proxy.URL+"/api/products",
		strings.NewReader(`{"name":"Robot"}`), media)
	where := proxy.URL + made.header.Get("Location")
	fields := append(row.For(made.header.Get("ETag")), media)
	got := mustSend(t, transport, http.MethodPut, where, strings.NewReader(`{"name":"Robot rouge"}`), fields...)
	want := `{"id":%d,"name":"Robot rouge","version":2}`
	if row.Write == 412 {
		want = `{"id":%d,"name":"Robot","version":1}`
	}
	var product struct{ ID int }
	if err := json.Unmarshal([]byte(made.body), &product); err != nil {
		t.Fatal(err)
	}
	now := mustGet(t, where, "Accept: application/json").body
	if got.status != row.Write || now != fmt.Sprintf(want, product.ID) {
		t.Errorf("%v = %d, and the product is %s; want %d", row, got.status, now, row.Write)
	}
}

// testConditionsOfCompressedAnswers checks that the tags that the proxy makes weak match weakly, and not strongly.
func testConditionsOfCompressedAnswers(t *testing.T, proxy *programs.HAProxy) {
	const url, zipped = "/api/openapi.json", "Accept-Encoding: gzip"
	tag := mustGet(t, proxy.URL+url, zipped).header.Get("ETag")
	if !strings.HasPrefix(tag, `W/"`) {
		t.Fatalf("ETag = %s, want a weak one", tag)
	}
	for condition, want := range map[string]int{
		"If-None-Match: " + tag: 304, `If-None-Match: "a", ` + tag: 304, `If-None-Match: W/"a"`: 200,
		"If-Match: " + tag: 412, "If-Match: *": 200,
	} {
		if got := mustGet(t, proxy.URL+url, zipped, condition); got.status != want {
			t.Errorf("%s = %d, want %d", condition, got.status, want)
		}
	}
}

// testRanges checks the front and the edge behind it against the table; the API takes no ranges.
func testRanges(t *testing.T, proxy *programs.HAProxy) {
	for _, read := range []struct{ host, path string }{{shopHost, "/robots.txt"}, {cdnHost, "/robots.txt"},
		{shopHost, "/api/docs"}} {
		whole := mustGet(t, proxy.URL+read.path, read.host, plain)
		for _, row := range rfc9110.Ranges(len(whole.body), whole.header.Get("ETag")) {
			if strings.HasPrefix(read.path, "/api") && row.Status != http.StatusNotModified {
				row.Status = http.StatusOK
			}
			got := mustGet(t, proxy.URL+read.path, append(row.Fields, read.host, plain)...)
			part, contentRange := row.Part([]byte(whole.body))
			if got.status != row.Status || got.header.Get("Content-Range") != contentRange {
				t.Errorf("%s%s: %v = %d %q, want %d %q",
					read.host, read.path, row, got.status, got.header.Get("Content-Range"), row.Status, contentRange)
			} else if row.Status != http.StatusRequestedRangeNotSatisfiable && got.body != string(part) {
				t.Errorf("%s%s: %v = %d bytes, want %d", read.host, read.path, row, len(got.body), len(part))
			}
		}
	}
}

// testTypes checks a call of each face against the table of Accept.
func testTypes(t *testing.T, proxy *programs.HAProxy) {
	types := map[string]string{"text": "text/plain; charset=utf-8", "json": "application/json"}
	for path, own := range map[string]string{"/api/ping": "text", "/api/products": "json"} {
		for _, row := range rfc9110.Types {
			want := types[own]
			if row.Want != "" {
				want = types[row.Want]
			}
			if got := mustGet(t, proxy.URL+path, row.Fields()...); got.header.Get("Content-Type") != want {
				t.Errorf("%s: %v = %d %s, want %s", path, row, got.status, got.header.Get("Content-Type"), want)
			}
		}
	}
}

// testCodings checks that the proxy leaves the front's choice of a coding as it is.
func testCodings(t *testing.T, proxy *programs.HAProxy) {
	for _, row := range rfc9110.Codings {
		fields := row.Fields()
		if len(fields) == 0 {
			fields = []string{plain}
		}
		if got := mustGet(t, proxy.URL+"/", fields...).header.Get("Content-Encoding"); got != row.Best {
			t.Errorf("%v is answered in %q, want %q", row, got, row.Best)
		}
	}
}

// testCodingsOfTheProxy checks the coding of what the proxy compresses itself, which is gzip alone.
func testCodingsOfTheProxy(t *testing.T, proxy *programs.HAProxy) {
	for _, row := range []struct {
		lines []string
		want  string
	}{
		{[]string{"identity"}, ""}, {[]string{""}, ""}, {[]string{"br"}, ""}, {[]string{"gzip;q=0"}, ""},
		{[]string{"gzip;q=0.000"}, ""},
		{[]string{"*;q=0"}, ""}, {[]string{"br, gzip;q=0"}, ""}, {[]string{"gzip;q=0", "*"}, ""},
		{[]string{"*, gzip;q=0"}, ""},
		{[]string{"gzip"}, "gzip"}, {[]string{"br, gzip;q=0.1"}, "gzip"}, {[]string{"br", "gzip"}, "gzip"},
		{[]string{"GZIP"}, "gzip"},
		{[]string{"*"}, "gzip"}, {[]string{"gzip, *;q=0"}, "gzip"}, {[]string{"*;q=0, gzip"}, "gzip"},
		{[]string{"identity;q=0, *"}, "gzip"},
	} {
		got := mustGet(t, proxy.URL+"/api/openapi.json", rfc9110.Coding{Lines: row.lines}.Fields()...)
		if coding := got.header.Get("Content-Encoding"); coding != row.want || got.status != 200 {
			t.Errorf("Accept-Encoding %q is answered %d in %q, want %q", row.lines, got.status, coding, row.want)
		}
	}
}
