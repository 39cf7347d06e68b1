package cdn_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/cache/conditional/conditionaltest"
	"github.com/woodytoys/woodytoys/internal/rfc9110"
)

// headers makes names and values of lines "Name: value".
func headers(fields []string) (pairs []string) {
	for _, field := range fields {
		name, value, _ := strings.Cut(field, ": ")
		pairs = append(pairs, name, value)
	}
	return pairs
}

// TestConditionsAtTheEdge checks the front's assets, through the edge, against the table: what is kept, and what is
// only passed on.
func TestConditionsAtTheEdge(t *testing.T) {
	t.Parallel()
	front := mustStartFront(t)
	edge := mustStartEdge(t, []string{front.Addr})
	for _, path := range []string{mustFind(t, mustListAssets(t, front.URL), "style"), "/robots.txt", "/favicon.ico"} {
		first := mustAsk(t, edge.URL+path)
		tag := first.header.Get("ETag")
		for _, row := range conditionaltest.Cases {
			for who, want := range map[string]int{"": row.AtCache(), "Basic YTpi": row.Read} {
				asked := headers(row.For(tag))
				if who != "" {
					asked = append(asked, "Authorization", who) // the response is the front's own
				}
				for _, method := range []string{http.MethodGet, http.MethodHead} {
					got, err := ask(method, edge.URL+path, asked...)
					if err != nil {
						t.Fatal(err)
					}
					if got.status != want {
						t.Errorf("%s %s, Authorization %q: %v = %d, want %d", method, path, who, row, got.status, want)
					}
					if want == 304 && (len(got.body) > 0 || got.header.Get("ETag") != tag ||
						got.header.Get("Cache-Control") != first.header.Get("Cache-Control")) {
						t.Errorf("%s %s: %v = %d %v", method, path, row, got.status, got.header)
					}
				}
			}
		}
	}
}

// TestRangesAtTheEdge checks the edge and the front against the same table.
func TestRangesAtTheEdge(t *testing.T) {
	t.Parallel()
	front := mustStartFront(t)
	edge := mustStartEdge(t, []string{front.Addr})
	for _, path := range []string{mustFind(t, mustListAssets(t, front.URL), "style"), "/robots.txt", "/favicon.ico"} {
		for _, coding := range []string{"identity", "br"} {
			whole := mustAsk(t, front.URL+path, "Accept-Encoding", coding)
			for _, row := range rfc9110.Ranges(len(whole.body), whole.header.Get("ETag")) {
				part, contentRange := row.Part(whole.body)
				for who, url := range map[string]string{"edge": edge.URL, "front": front.URL} {
					got := mustAsk(t, url+path, append(headers(row.Fields), "Accept-Encoding", coding)...)
					if got.status != row.Status || got.header.Get("Content-Range") != contentRange {
						t.Errorf("the %s, %s in %s: %v = %d %q, want %d %q", who, path, coding, row, got.status,
							got.header.Get("Content-Range"), row.Status, contentRange)
					} else if row.Status != http.StatusRequestedRangeNotSatisfiable && !bytes.Equal(got.body, part) {
						t.Errorf("the %s, %s in %s: %v = %d bytes, want %d",
							who, path, coding, row, len(got.body), len(part))
					}
				}
			}
		}
	}
}

// TestCodingsAtTheEdge checks that everybody gets a coding that is acceptable, if not the preferred one.
func TestCodingsAtTheEdge(t *testing.T) {
	t.Parallel()
	front := mustStartFront(t)
	edge := mustStartEdge(t, []string{front.Addr})
	path := mustFind(t, mustListAssets(t, front.URL), "style")
	for _, row := range rfc9110.Codings {
		asked := headers(row.Fields())
		got := mustAsk(t, edge.URL+path, asked...)
		if coding := got.header.Get("Content-Encoding"); got.status != 200 || coding != row.Few() {
			t.Errorf("%v is answered %d in %q, want %q", row, got.status, coding, row.Few())
		}
		passed := mustAsk(t, edge.URL+path, append(asked, "Authorization", "Basic YTpi")...)
		if coding := passed.header.Get("Content-Encoding"); coding != row.Few() {
			t.Errorf("%v, passed on, is answered in %q, want %q", row, coding, row.Few())
		}
	}
}
