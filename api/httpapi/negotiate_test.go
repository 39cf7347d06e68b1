package httpapi_test

import (
	"net/http"
	"testing"

	"github.com/woodytoys/woodytoys/internal/rfc9110"
)

// TestTypes checks each kind of call against the table of Accept: kept answers, others, failures, writes.
func TestTypes(t *testing.T) {
	s := mustServe(t)
	for _, call := range []struct{ method, path, own string }{
		{"GET", "/api/ping", "text"}, {"GET", "/api/misc/heavy?name=x", "text"}, {"GET", "/api/products/last", "text"},
		{"GET", "/api/products/1", "text"}, {"GET", "/api/products", "json"}, {"HEAD", "/api/products?limit=1", "json"},
		{"GET", "/api/products/99", "text"},
		{"GET", "/api/orders/?order_id=00000000-0000-0000-0000-000000000000", "text"},
		{"GET", "/api/nothing", "json"}, {"GET", "/api/products?limit=0", "json"},
		{"GET", "/api/products?product=Robot", "text"}, {"GET", "/api/orders/do?order=Yoyo", "text"},
		{"POST", "/api/products", "json"}, {"POST", "/api/orders", "json"}, {"PUT", "/api/products/2", "json"},
		{"DELETE", "/api/products/99999", "json"},
	} {
		body := `{"name":"Robot"}`
		if call.path == "/api/orders" {
			body = `{"product":"Yoyo"}`
		}
		for _, row := range rfc9110.Types {
			got := s.call(call.method, call.path, body, append(row.Fields(), "Content-Type: application/json")...)
			want := map[string]string{"text": "text/plain; charset=utf-8", "json": "application/json"}[call.own]
			switch {
			case row.Want == "text":
				want = "text/plain; charset=utf-8"
			case row.Want == "json":
				want = "application/json"
			}
			if want == "application/json" && got.status >= 400 {
				want = "application/problem+json"
			}
			if media := got.header.Get("Content-Type"); media != want || got.header.Get("Vary") != "Accept" ||
				got.status == http.StatusNotAcceptable {
				t.Errorf("%s %s, %v = %d %s, Vary %s; want %s",
					call.method, call.path, row, got.status, media, got.header.Get("Vary"), want)
			}
		}
	}
}

// TestSpellingsShareAKeptAnswer checks that the cache has two responses, text and JSON, however Accept is spelled.
func TestSpellingsShareAKeptAnswer(t *testing.T) {
	s := mustServe(t)
	s.get("/api/products/1", "Accept: text/plain")
	s.get("/api/products/1", "Accept: application/json")
	for _, row := range rfc9110.Types {
		if got := s.get("/api/products/1", row.Fields()...); got.layer() != hit {
			t.Errorf("%v: %q, want %q", row, got.layer(), hit)
		}
	}
}

// TestRangesAreIgnored checks that a request with a Range, whatever it is, gets the whole.
func TestRangesAreIgnored(t *testing.T) {
	s := mustServe(t)
	for _, path := range []string{"/api/ping", "/api/products/1", "/api/openapi.json", "/api/docs"} {
		whole := s.get(path)
		for _, row := range rfc9110.Ranges(len(whole.body), whole.header.Get("ETag")) {
			got := s.get(path, row.Fields...)
			if row.Status == http.StatusNotModified {
				got.want(t, row.Status, "")
				continue
			}
			if got.status != 200 || got.body != whole.body || got.header.Get("Content-Range") != "" {
				t.Errorf("%s: %v = %d with %d bytes, want 200 with all %d",
					path, row, got.status, len(got.body), len(whole.body))
			}
		}
	}
}
