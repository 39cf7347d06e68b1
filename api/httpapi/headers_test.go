package httpapi_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/api/shop"
)

// TestReadsRevalidate asks for each read twice, the second time with the ETag of the first.
func TestReadsRevalidate(t *testing.T) {
	s := mustServe(t)
	for _, path := range []string{"/api/ping", "/api/products", "/api/products/1", "/api/openapi.json", "/api/docs"} {
		first := s.get(path)
		tag := first.header.Get("ETag")
		for name, want := range map[string]string{"Cache-Control": "no-cache", "Vary": "Accept"} {
			if got := first.header.Get(name); got != want {
				t.Errorf("GET %s: %s = %q, want %q", path, name, got, want)
			}
		}
		for _, field := range []string{tag, "W/" + tag, `"other", ` + tag, "*"} {
			second := s.get(path, "If-None-Match: "+field)
			if second.status != 304 || second.body != "" || second.header.Get("ETag") != tag {
				t.Errorf("GET %s with %s = %d %q", path, field, second.status, second.body)
			}
		}
		s.get(path, `If-None-Match: "other"`).wantStatus(t, 200)
		head := s.call(http.MethodHead, path, "")
		if head.status != 200 || head.body != "" || head.header.Get("ETag") != tag ||
			head.header.Get("Content-Length") != first.header.Get("Content-Length") {
			t.Errorf("HEAD %s = %d %v, want the header of GET", path, head.status, head.header)
		}
	}
}

func TestWritesAreNotStored(t *testing.T) {
	s := mustServe(t)
	for _, got := range []reply{
		s.get("/api/products?product=a"), s.get("/api/orders/do?order=a"), s.get("/api/products?product="),
		s.post("/api/products", `{"name":"a"}`), s.post("/api/orders", `{"product":"a"}`),
		s.call(http.MethodPut, "/api/products/1", `{"name":"a"}`, "Content-Type: application/json"),
		s.call(http.MethodDelete, "/api/products/1", ""),
	} {
		if value := got.header.Get("Cache-Control"); value != "no-store" {
			t.Errorf("%d %q: Cache-Control %q, want no-store", got.status, got.body, value)
		}
	}
}

func TestNegotiation(t *testing.T) {
	s := mustServe(t)
	const html = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	for _, row := range []struct{ path, accept, want string }{
		{"/api/ping", "", "text/plain; charset=utf-8"},
		{"/api/ping", "*/*", "text/plain; charset=utf-8"},
		{"/api/ping", html, "text/plain; charset=utf-8"},
		{"/api/ping", "application/json", "application/json"},
		{"/api/ping", "application/json;q=0.5, text/plain;q=0.4", "application/json"},
		{"/api/ping", "application/*", "application/json"},
		{"/api/ping", "image/png", "text/plain; charset=utf-8"},
		{"/api/products", "", "application/json"},
		{"/api/products", "text/*", "text/plain; charset=utf-8"},
		{"/api/products", html, "application/json"},
		{"/api/products/99", "", "text/plain; charset=utf-8"},
		{"/api/products/99", "application/json", "application/problem+json"},
		{"/api/nothing", "", "application/problem+json"},
		{"/api/nothing", "text/plain", "text/plain; charset=utf-8"},
	} {
		var headers []string
		if row.accept != "" {
			headers = []string{"Accept: " + row.accept}
		}
		if got := s.get(row.path, headers...).header.Get("Content-Type"); got != row.want {
			t.Errorf("GET %s, Accept %q: %s, want %s", row.path, row.accept, got, row.want)
		}
	}
}

func TestRequestIDs(t *testing.T) {
	s := mustServe(t)
	if got := s.get("/api/ping", "X-Request-Id: abc-1").header.Get("X-Request-Id"); got != "abc-1" {
		t.Errorf("X-Request-Id = %q, want the caller's", got)
	}
	for _, bad := range []string{"a b", strings.Repeat("a", 129), `<x>`} {
		if got := s.get("/api/ping", "X-Request-Id: "+bad).header.Get("X-Request-Id"); got == bad || got == "" {
			t.Errorf("X-Request-Id = %q for %q, want one of our own", got, bad)
		}
	}
	if a, b := s.get("/api/ping").header.Get("X-Request-Id"), s.get("/api/ping").header.Get("X-Request-Id"); a == b {
		t.Errorf("two requests have the id %s", a)
	}
}

func TestPreflight(t *testing.T) {
	s := mustServe(t)
	got := s.call(http.MethodOptions, "/api/products/1", "", "Origin: http://elsewhere.test",
		"Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: content-type")
	if got.status != 204 || got.header.Get("Access-Control-Allow-Origin") != "*" ||
		!strings.Contains(got.header.Get("Access-Control-Allow-Methods"), "PUT") {
		t.Errorf("preflight = %d %v", got.status, got.header)
	}
	simple := s.get("/api/ping", "Origin: http://elsewhere.test")
	if simple.header.Get("Access-Control-Allow-Origin") != "*" ||
		!strings.Contains(simple.header.Get("Access-Control-Expose-Headers"), "X-Served-By") {
		t.Errorf("simple request = %v", simple.header)
	}
}

func TestNothingInternalLeaks(t *testing.T) {
	s := mustServeShop(t, shop.Config{}, func(app *fiber.App) {
		app.Get("/fails", func(*fiber.Ctx) error { return errors.New("the password is hush") })
		app.Get("/panics", func(*fiber.Ctx) error { panic("the password is hush") })
	})
	for _, path := range []string{"/fails", "/panics"} {
		request, err := http.Get(s.url + path)
		if err != nil {
			t.Fatal(err)
		}
		request.Body.Close()
		if request.StatusCode != 500 {
			t.Errorf("GET %s = %d, want 500", path, request.StatusCode)
		}
	}
	s.store.Close()
	got := s.get("/api/products/1", "Accept: application/json")
	if got.status < 500 || strings.Contains(got.body, "sql") {
		t.Errorf("with the store closed: %d %q", got.status, got.body)
	}
}

func TestReadiness(t *testing.T) {
	s := mustServe(t)
	s.get("/readyz").want(t, 200, `{"ready":true,"draining":false,"database":"up"}`)
	s.get("/healthz").want(t, 200, "alive")
	s.health.Drain()
	got := s.get("/readyz")
	got.want(t, 503, `{"ready":false,"draining":true,"database":"up"}`)
	if s.get("/api/ping").status != 200 {
		t.Error("a draining replica refuses requests")
	}
}
