package httpapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// database returns what Server-Timing has before the replica's own time.
func (r reply) database() string {
	before, _, _ := strings.Cut(r.header.Get("Server-Timing"), "app;dur=")
	return strings.TrimSuffix(before, ", ")
}

const bySQLite = `db;desc="sqlite"`

// TestTheDatabaseThatRepliedIsNamed looks for it on what a database has replied to, and not on what a cache has.
func TestTheDatabaseThatRepliedIsNamed(t *testing.T) {
	s := mustServe(t)
	// An absence is kept for two seconds, which may pass on a busy machine.
	for id := 100; ; id++ {
		began := time.Now()
		first, second := s.get(fmt.Sprint("/api/products/", id)), s.get(fmt.Sprint("/api/products/", id))
		took := time.Since(began)
		if first.database() == bySQLite && second.database() == "" {
			break
		}
		if first.database() != bySQLite || took < time.Second {
			t.Fatalf("an absence names %q, and from the cache %q", first.database(), second.database())
		}
	}
	for _, call := range []struct{ what, got, want string }{
		{"a page of the API", s.get("/api/ping").database(), ""},
		{"a fill", s.get("/api/products/1").database(), bySQLite},
		{"a hit", s.get("/api/products/1").database(), ""},
		{"a list", s.get("/api/products").database(), bySQLite},
		{"an addition", s.post("/api/products", `{"name":"Robot"}`).database(), bySQLite},
		{"one with a key", s.post("/api/products", `{"name":"Robot"}`, "Idempotency-Key: k").database(), bySQLite},
		{"the same again", s.post("/api/products", `{"name":"Robot"}`, "Idempotency-Key: k").database(), bySQLite},
		{"the lab's addition", s.get("/api/products?product=Robot").database(), bySQLite},
		{"an order", s.post("/api/orders", `{"product":"Yoyo"}`).database(), bySQLite},
		{"a refusal", s.call(http.MethodDelete, "/api/products/99", "").database(), bySQLite},
		{"a deletion", s.call(http.MethodDelete, "/api/products/1", "").database(), bySQLite},
		{"what is wrong", s.post("/api/products", `{"name":""}`).database(), ""},
	} {
		if call.got != call.want {
			t.Errorf("%s names %q, want %q", call.what, call.got, call.want)
		}
	}
}

// TestReadAtThePrimary reads past the cache where a caller prefers that, and leaves what is cached alone.
func TestReadAtThePrimary(t *testing.T) {
	s := mustServe(t)
	order := "/api/orders/" + mustEndOrder(s) // its end would make wrong what is kept of it
	for _, path := range []string{"/api/products/1", "/api/products", "/api/products?limit=1", "/api/products/last",
		order,
		"/api/orders/?order_id=" + strings.TrimPrefix(order, "/api/orders/"), "/api/probes/p"} {
		first := s.get(path)
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			got := s.call(method, path, "", "Prefer: read=primary")
			if got.status != first.status || got.database() != bySQLite || got.layer() != "near; fwd=bypass" {
				t.Errorf("%s %s: %d by %q, %q", method, path, got.status, got.database(), got.layer())
			}
			wantFields(t, path, got, "read=primary", "no-store", "Accept, Prefer")
		}
		got := s.get(path)
		if got.layer() != hit || got.database() != "" {
			t.Errorf("%s without the preference: %q by %q, want a hit", path, got.layer(), got.database())
		}
		wantFields(t, path, got, "", "no-cache", "Accept")
	}
	etag := s.get("/api/products/1").header.Get("ETag")
	same := s.get("/api/products/1", "Prefer: read=primary", "If-None-Match: "+etag)
	same.wantStatus(t, http.StatusNotModified)
	wantFields(t, "a 304", same, "read=primary", "no-store", "Accept, Prefer")
	absent := s.get("/api/products/99", "Prefer: read=primary")
	absent.wantStatus(t, http.StatusNotFound)
	wantFields(t, "a 404", absent, "read=primary", "no-store", "Accept, Prefer")
	wantFields(t, "a write", s.get("/api/products?product=Robot", "Prefer: read=primary"), "", "no-store", "Accept")
	wantFields(t, "no database", s.get("/api/misc/heavy", "Prefer: read=primary"), "", "no-cache", "Accept")
}

func wantFields(t *testing.T, what string, got reply, applied, control, vary string) {
	t.Helper()
	for name, want := range map[string]string{
		"Preference-Applied": applied, "Cache-Control": control, "Vary": vary,
	} {
		if value := strings.Join(got.header.Values(name), ", "); value != want {
			t.Errorf("%s: %s is %q, want %q", what, name, value, want)
		}
	}
}

// TestPreferences reads Prefer as RFC 7240 section 2 has it.
func TestPreferences(t *testing.T) {
	s := mustServe(t)
	for prefer, want := range map[string]bool{
		"read=primary":                             true,
		`read="primary"`:                           true,
		"READ = primary":                           true,
		"respond-async, read=primary":              true,
		`wait=10; note="a, b", read=primary; x=y`:  true,
		"read=primary, read=replica":               true,
		"read=replica, read=primary":               false,
		"read":                                     false,
		`read=""`:                                  false,
		"read=Primary":                             false,
		"reads=primary":                            false,
		`note="read=primary"`:                      false,
		"respond-async; read=primary":              false,
		"handling=lenient\r\nPrefer: read=primary": true,
		"":              false,
		`read="primary`: false,
	} {
		var lines []string
		for line := range strings.SplitSeq("Prefer: "+prefer, "\r\n") {
			lines = append(lines, line)
		}
		if got := s.get("/api/products/1", lines...).header.Get("Preference-Applied") != ""; got != want {
			t.Errorf("%q: %t, want %t", prefer, got, want)
		}
	}
}
