package httpapi_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// The targets send whatever the fuzzer makes up, through a real connection, and want an answer
// that openapi.json knows and that is no fault of ours: no panic, no status from 500 on.
// `make fuzz` runs each for FUZZTIME.

func (r reply) wantNoFault(t *testing.T) {
	t.Helper()
	if r.status >= http.StatusInternalServerError {
		t.Errorf("answered %d %q", r.status, r.body)
	}
}

func FuzzProductName(f *testing.F) {
	for _, name := range []string{"", "Yoyo", " \t", "%ff", "\xff", "'); DROP TABLE product;--", "🧸", "a\x00b",
		strings.Repeat("x", 201)} {
		f.Add(name)
	}
	s := mustServe(f)
	f.Fuzz(func(t *testing.T, name string) {
		s.forTest(t).get("/api/products?product=" + url.QueryEscape(name)).wantNoFault(t)
	})
}

func FuzzQuery(f *testing.F) {
	for _, query := range []string{"limit=5&after=2", "limit=-1", "after=99999999999999999999", "limit=%zz", "product",
		"&&=;", "order_id=x", "order=Yoyo", "name=%ff"} {
		f.Add(query)
	}
	s := mustServe(f)
	f.Fuzz(func(t *testing.T, query string) {
		for _, path := range []string{"/api/products", "/api/orders", "/api/orders/do", "/api/misc/heavy"} {
			if target := path + "?" + query; sendable(target) {
				s.forTest(t).get(target).wantNoFault(t)
			}
		}
	})
}

func FuzzPath(f *testing.F) {
	for _, path := range []string{"products/1", "products/-1", "products/9999999999999999999", "orders/x",
		"products/%2e%2e/ping", "//ping", "misc/time/", "docs?x", "%00", "prodUCts", "?a b", "ping//", "products/+1",
		"products/%31"} {
		f.Add(path)
	}
	s := mustServe(f)
	f.Fuzz(func(t *testing.T, path string) {
		if target := "/api/" + path; sendable(target) {
			s.forTest(t).get(target).wantNoFault(t)
		}
	})
}

// sendable reports whether Go's client would send the target as it is.
func sendable(target string) bool {
	_, err := http.NewRequest(http.MethodGet, "http://localhost"+target, nil)
	return err == nil
}

func FuzzProductBody(f *testing.F) {
	for _, body := range []string{`{"name":"Yoyo"}`, `{"name":"\ud800"}`, `{"name":null}`, `[`,
		`{"name":"a","name":"b"}`, "\xef\xbb\xbf{}", strings.Repeat("[", 2000)} {
		f.Add([]byte(body))
	}
	s := mustServe(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		s.forTest(t).post("/api/products", string(body)).wantNoFault(t)
		s.forTest(t).call(http.MethodPut, "/api/products/1", string(body),
			"Content-Type: application/json").wantNoFault(t)
	})
}

func FuzzOrderBody(f *testing.F) {
	f.Add([]byte(`{"product":"Yoyo"}`), "key")
	f.Add([]byte(`{"product":"nothing"}`), "")
	f.Add([]byte(`{"product":{}}`), "clé")
	s := mustServe(f)
	f.Fuzz(func(t *testing.T, body []byte, key string) {
		s.forTest(t).post("/api/orders", string(body), "Idempotency-Key: "+headerValue(key)).wantNoFault(t)
	})
}

func FuzzRequestHeader(f *testing.F) {
	f.Add("application/json;q=0.1, text/*", `W/"x", *`, "id-1", `"v1-0"`, "application/json; charset=utf-8")
	f.Add(";;q=,", `"`, "", `"v`, "/;=")
	s := mustServe(f)
	f.Fuzz(func(t *testing.T, accept, noneMatch, id, match, media string) {
		headers := []string{
			"Accept: " + headerValue(accept), "If-None-Match: " + headerValue(noneMatch),
			"X-Request-Id: " + headerValue(id), "If-Match: " + headerValue(match),
			"Content-Type: " + headerValue(media),
		}
		s.forTest(t).get("/api/products/1", headers...).wantNoFault(t)
		s.forTest(t).call(http.MethodPut, "/api/products/2", `{"name":"a"}`, headers...).wantNoFault(t)
	})
}

// headerValue returns what Go's client can send of a value: the rest would never leave it.
func headerValue(value string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, value)
}
