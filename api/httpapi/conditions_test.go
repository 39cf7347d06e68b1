package httpapi_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/cache/conditional/conditionaltest"
)

// TestConditionsOfReads checks every read that has an entity tag against the table of RFC 9110 section 13: from the
// cache, past it, and where there is no cache at all.
func TestConditionsOfReads(t *testing.T) {
	s := mustServe(t)
	order := mustEndOrder(s)
	for _, read := range []struct{ path, accept string }{
		{"/api/ping", "*/*"}, {"/api/ping", "application/json"}, {"/api/openapi.json", "*/*"}, {"/api/docs", "*/*"},
		{"/api/misc/heavy?name=x", "*/*"}, {"/api/products/last", "*/*"},
		{"/api/products", "application/json"}, {"/api/products?limit=1", "text/plain"},
		{"/api/products/1", "application/json"}, {"/api/products/1", "text/plain"},
		{"/api/orders/" + order, "*/*"}, {"/api/orders/?order_id=" + order, "*/*"},
		{"/api/probes/a", "*/*"}, {"/api/probes/a", "text/plain"},
	} {
		for _, past := range []string{"X-Nothing: x", "Authorization: Basic YTpi"} {
			if past != "X-Nothing: x" && (strings.Contains(read.path, "heavy") || strings.Contains(read.path, "last")) {
				continue // they say when they were made: past the cache, each time something else
			}
			t.Run(read.path+" "+read.accept+" "+past, func(t *testing.T) {
				s := s.forTest(t)
				first := s.get(read.path, "Accept: "+read.accept, past)
				tag := first.header.Get("ETag")
				for _, row := range conditionaltest.Cases {
					fields := append(row.For(tag), "Accept: "+read.accept, past)
					got := s.get(read.path, fields...)
					wantConditional(t, row, got, tag, first.body)
					head := s.call(http.MethodHead, read.path, "", fields...)
					if head.status != row.Read || head.body != "" || head.header.Get("ETag") != got.header.Get("ETag") {
						t.Errorf("HEAD: %v = %d %q %v", row, head.status, head.body, head.header)
					}
				}
			})
		}
	}
}

func wantConditional(t *testing.T, row conditionaltest.Case, got reply, tag, body string) {
	t.Helper()
	control := "no-cache"
	switch row.Read {
	case http.StatusNotModified:
		body = ""
	case http.StatusPreconditionFailed:
		tag, control, body = "", "no-store", got.body
		if !strings.Contains(body, "conditions") {
			t.Errorf("%v: %d says %q", row, got.status, body)
		}
	}
	if got.status != row.Read || got.body != body || got.header.Get("ETag") != tag ||
		got.header.Get("Cache-Control") != control || got.header.Get("Vary") != "Accept" {
		t.Errorf("%v = %d %q %v, want %d", row, got.status, got.body, got.header, row.Read)
	}
}

// mustEndOrder makes an order and returns its id when it will change no more.
func mustEndOrder(s *testShop) string {
	where := s.post("/api/orders", `{"product":"Yoyo"}`).header.Get("Location")
	got := s.get(where)
	deadline := time.Now().Add(time.Minute)
	for ; !strings.Contains(got.body, "Success") || got.layer() != hit; got = s.get(where) {
		if time.Now().After(deadline) {
			s.t.Fatalf("the order has not ended: %q", got.body)
		}
	}
	return strings.TrimPrefix(where, "/api/orders/")
}

// TestConditionsOfWrites checks the two writes to something that exists against the table. A refused one leaves it
// alone.
func TestConditionsOfWrites(t *testing.T) {
	s := mustServe(t)
	for _, accept := range []string{"application/json", "text/plain"} {
		for _, row := range conditionaltest.Cases {
			for _, method := range []string{http.MethodPut, http.MethodDelete} {
				where := s.post("/api/products", `{"name":"Robot"}`).header.Get("Location")
				before := s.get(where, "Accept: "+accept)
				got := s.call(method, where, `{"name":"Robot rouge"}`,
					append(row.For(before.header.Get("ETag")), "Content-Type: application/json")...)
				after := s.get(where, "Accept: "+accept)
				changed := after.status != 200 || after.body != before.body
				if refused := got.status == 412; refused != (row.Write == 412) || changed == refused ||
					!refused && got.status/100 != 2 {
					t.Errorf("%s, the tag of %s: %v = %d %q, and then %d %q; want %d",
						method, accept, row, got.status, got.body, after.status, after.body, row.Write)
				}
			}
		}
	}
}

// TestATagIsMoreThanItsVersion checks that If-Match with the right version but a wrong, missing or differently spelled
// hash is refused with 412.
func TestATagIsMoreThanItsVersion(t *testing.T) {
	s := mustServe(t)
	tag := s.get("/api/products/1").header.Get("ETag")
	for _, wrong := range []string{`"v1-0"`, `"v1-"`, `"v1"`, `"1"`, strings.Replace(tag, "v1", "v2", 1),
		strings.Replace(tag, "v1-", "v01-", 1), `"v1-` + strings.ToUpper(tag[4:])} {
		s.call(http.MethodPut, "/api/products/1", `{"name":"x"}`, "Content-Type: application/json",
			"If-Match: "+wrong).wantStatus(t, 412)
		s.call(http.MethodDelete, "/api/products/1", "", "If-Match: "+wrong).wantStatus(t, 412)
	}
	first := s.call(http.MethodPut, "/api/products/1", `{"name":"x"}`, "Content-Type: application/json",
		"If-Match: "+tag)
	first.wantStatus(t, 200)
	s.call(http.MethodPut, "/api/products/1", `{"name":"y"}`, "Content-Type: application/json",
		"If-Match: "+tag).wantStatus(t, 412)
	s.call(http.MethodPut, "/api/products/1", `{"name":"y"}`, "Content-Type: application/json",
		"If-Match: "+first.header.Get("ETag")).wantStatus(t, 200)
}

// TestConditionsOfAdditions checks the preconditions of writes whose target has no current representation to compare
// with, and that a refused write adds nothing.
func TestConditionsOfAdditions(t *testing.T) {
	s := mustServe(t)
	list := s.get("/api/products").header.Get("ETag")
	for _, row := range []struct {
		condition    string
		list, others bool // whether it allows an addition to the list, and one that has no target at all
	}{
		{"X-Nothing: x", true, true},
		{"If-Match: *", true, false},
		{`If-Match: "a"`, false, false},
		{"If-Match: " + list, false, false},
		{"If-None-Match: *", false, true},
		{`If-None-Match: "a"`, true, true},
		{"If-None-Match: " + list, true, true},
		{"If-None-Match: nonsense", false, false},
		{"If-Unmodified-Since: Thu, 01 Jan 2015 00:00:00 GMT", true, true},
	} {
		before := countProducts(t, s)
		for _, write := range []struct {
			allowed bool
			status  int
			got     reply
		}{
			{row.list, 201, s.post("/api/products", `{"name":"Robot"}`, row.condition)},
			{row.others, 200, s.get("/api/products?product=Robot", row.condition)},
			{row.others, 202, s.post("/api/orders", `{"product":"Yoyo"}`, row.condition)},
			{row.others, 200, s.get("/api/orders/do?order=Yoyo", row.condition)},
		} {
			want := 412
			if write.allowed {
				want = write.status
			}
			if write.got.status != want {
				t.Errorf("%s = %d %q, want %d", row.condition, write.got.status, write.got.body, want)
			}
		}
		want := before
		for _, added := range []bool{row.list, row.others} {
			if added {
				want++
			}
		}
		if got := countProducts(t, s); got != want {
			t.Errorf("%s: %d products became %d, want %d", row.condition, before, got, want)
		}
	}
}

func countProducts(t *testing.T, s *testShop) (count int) {
	t.Helper()
	var last struct{ Count int }
	if err := json.Unmarshal([]byte(s.get("/api/products/last", "Accept: application/json").body), &last); err != nil {
		t.Fatal(err)
	}
	return last.Count
}

// TestFailuresComeBeforeConditions checks that a condition has no effect where the response would not be a success. A
// write to a product that does not exist fails its condition: only the write finds out that there is none.
func TestFailuresComeBeforeConditions(t *testing.T) {
	s := mustServe(t)
	for _, row := range []struct {
		method, path, body string
		want               int
		conditions         []string
	}{
		{"GET", "/api/products/99", "", 404,
			[]string{"If-Match: *", `If-Match: "a"`, "If-None-Match: *", `If-None-Match: "a"`}},
		{"GET", "/api/nothing", "", 404, []string{"If-Match: *", "If-None-Match: *"}},
		{"GET", "/api/products?limit=0", "", 400, []string{"If-Match: *", `If-Match: "a"`, "If-None-Match: *"}},
		{"GET", "/api/orders", "", 400, []string{`If-Match: "a"`, "If-None-Match: *"}},
		{"GET", "/api/products?product=", "", 400, []string{"If-Match: *", `If-Match: "a"`}},
		{"GET", "/api/orders/do?order=", "", 400, []string{"If-Match: *", `If-Match: "a"`}},
		{"POST", "/api/products", `{"name":1}`, 400, []string{`If-Match: "a"`, "If-None-Match: *"}},
		{"PUT", "/api/products/1", `{}`, 400, []string{`If-Match: "a"`, "If-None-Match: *"}},
		{"PUT", "/api/products/1", `{"name":""}`, 400, []string{`If-Match: "a"`, "If-None-Match: *"}},
		{"PUT", "/api/products", `{}`, 405, []string{`If-Match: "a"`, "If-None-Match: *"}},
		{"PUT", "/api/products/99", `{"name":"a"}`, 404, []string{"If-None-Match: *", `If-None-Match: "a"`}},
		{"PUT", "/api/products/99", `{"name":"a"}`, 412, []string{"If-Match: *", `If-Match: "a"`}},
		{"DELETE", "/api/products/99", "", 404, []string{"If-None-Match: *", `If-None-Match: "a"`}},
		{"DELETE", "/api/products/99", "", 412, []string{"If-Match: *", `If-Match: "a"`}},
		{"OPTIONS", "/api/products/1", "", 405, []string{`If-Match: "a"`, "If-None-Match: *"}},
	} {
		for _, condition := range row.conditions {
			for range 2 { // absence is kept too
				got := s.call(row.method, row.path, row.body, condition, "Content-Type: application/json")
				if got.status != row.want || got.header.Get("ETag") != "" {
					t.Errorf("%s %s with %s = %d %q %v, want %d",
						row.method, row.path, condition, got.status, got.body, got.header, row.want)
				}
			}
		}
	}
}

// TestConditionsWithoutATag asks where there is something without an entity tag, or with a new one each time.
func TestConditionsWithoutATag(t *testing.T) {
	s := mustServe(t)
	for _, path := range []string{"/healthz", "/readyz", "/api/misc/time"} {
		for condition, want := range map[string]int{
			"If-Match: *": 200, `If-Match: "a"`: 412, "If-None-Match: *": 304, `If-None-Match: "a"`: 200,
		} {
			s.get(path, condition).wantStatus(t, want)
		}
	}
	s.health.Drain()
	s.get("/readyz", `If-Match: "a"`).wantStatus(t, 503)
	s.get("/readyz", "If-None-Match: *").wantStatus(t, 503)
}
