package httpapi_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/api/health"
	"github.com/woodytoys/woodytoys/api/httpapi"
)

// mustWriteProbes serves a shop's operators.
func (s *testShop) mustWriteProbes() (write func(name string) reply) {
	mux := http.NewServeMux()
	mux.Handle("PUT /probes/{name}", s.api.ProbeWriter())
	server := httptest.NewServer(mux)
	s.t.Cleanup(server.Close)
	return func(name string) reply {
		s.t.Helper()
		request, err := http.NewRequest(http.MethodPut, server.URL+"/probes/"+name, nil)
		if err != nil {
			s.t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			s.t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			s.t.Fatal(err)
		}
		return reply{response.StatusCode, response.Header, string(body)}
	}
}

// TestProbes writes a probe and reads it: it is kept until the next write, and no other read changes by it.
func TestProbes(t *testing.T) {
	s := mustServe(t)
	write := s.mustWriteProbes()
	others := []string{"/api/products", "/api/products/last", "/api/products/1", "/api/probes/b"}
	for _, path := range others {
		s.get(path)
	}
	s.get("/api/probes/a").want(t, 200, `{"name":"a","version":0}`)
	for _, want := range []string{`{"name":"a","version":1}`, `{"name":"a","version":2}`} {
		got := write("a")
		got.want(t, 200, want)
		if got.header.Get("Cache-Control") != "no-store" || got.header.Get("X-Served-By") != "replica-1" ||
			got.header.Get("Content-Type") != "application/json" {
			t.Errorf("a write answers %v", got.header)
		}
		first, second := s.get("/api/probes/a"), s.get("/api/probes/a")
		first.want(t, 200, want)
		second.want(t, 200, want)
		if first.layer() != renewed || second.layer() != hit {
			t.Errorf("the reads after a write are %q and %q, want %q and %q",
				first.layer(), second.layer(), renewed, hit)
		}
	}
	s.get("/api/probes/a", "Accept: text/plain").want(t, 200, "2")
	for _, path := range others {
		if got := s.get(path); got.layer() != hit || strings.Contains(got.body, `"a"`) {
			t.Errorf("%s after writes of a probe: %q %q, want %q", path, got.layer(), got.body, hit)
		}
	}
}

// TestProbesAreNotWrittenInPublic tries each way to write one on the port that is published.
func TestProbesAreNotWrittenInPublic(t *testing.T) {
	s := mustServe(t)
	for _, method := range []string{http.MethodPut, http.MethodPost, http.MethodDelete, http.MethodPatch} {
		for _, path := range []string{"/api/probes/a", "/probes/a"} {
			got := s.call(method, path, `{}`, "Content-Type: application/json")
			if got.status != http.StatusMethodNotAllowed && got.status != http.StatusNotFound {
				t.Errorf("%s %s = %d %q", method, path, got.status, got.body)
			}
		}
	}
	s.get("/api/probes/a").want(t, 200, `{"name":"a","version":0}`)
}

func TestNamesOfProbes(t *testing.T) {
	s := mustServe(t)
	write := s.mustWriteProbes()
	for _, name := range []string{"a", "0-9", strings.Repeat("z", 64)} {
		write(name).wantStatus(t, 200)
		s.get("/api/probes/"+name).wantStatus(t, 200)
	}
	for _, name := range []string{"A", "a_b", "a%20b", "a%00", "%C3%A9", strings.Repeat("z", 65), "a.b", "a%2Fb"} {
		got := write(name)
		var problem struct{ Status int }
		if err := json.Unmarshal([]byte(got.body), &problem); err != nil || got.status != 404 || problem.Status != 404 {
			t.Errorf("a write of %s = %d %q, want a problem 404", name, got.status, got.body)
		}
		read := s.get("/api/probes/" + name)
		read.wantStatus(t, 404)
		if kept := read.header.Get("Cache-Status"); kept != "" {
			t.Errorf("the refusal of %s went past the cache: %q", name, kept)
		}
	}
}

// TestProbesOfAShopThatStarts checks that a writer of probes is told to wait until the shop has started.
func TestProbesOfAShopThatStarts(t *testing.T) {
	api, err := httpapi.New(t.Context(), httpapi.Config{Health: &health.Health{}})
	if err != nil {
		t.Fatal(err)
	}
	got := httptest.NewRecorder()
	api.ProbeWriter().ServeHTTP(got, httptest.NewRequest(http.MethodPut, "/probes/a", nil))
	if got.Code != http.StatusServiceUnavailable || got.Header().Get("Retry-After") == "" {
		t.Errorf("a write before the shop has started: %d %v", got.Code, got.Header())
	}
}
