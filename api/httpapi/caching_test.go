package httpapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// layer returns what the near cache said of an answer, without its seconds.
func (r reply) layer() string {
	status, _, _ := strings.Cut(r.header.Get("Cache-Status"), "; ttl")
	return status
}

const (
	hit     = "near; hit"
	filled  = "origin, near; fwd=uri-miss; stored"
	renewed = "origin, near; fwd=stale; detail=invalidated; stored"
)

// TestReadsAreKeptUntilAWrite reads everything twice, writes, and reads again.
func TestReadsAreKeptUntilAWrite(t *testing.T) {
	s := mustServe(t)
	reads := []string{"/api/products/last", "/api/products/1", "/api/products", "/api/products?limit=1",
		"/api/products?after=2"}
	for _, write := range []struct {
		what    string
		send    func() reply
		changes string // 1 where the read of the same place is made wrong
	}{
		{"add", func() reply { return s.get("/api/products?product=Robot") }, "10110"},
		{"rename 1", func() reply {
			return s.call(http.MethodPut, "/api/products/1", `{"name":"Yoyo rouge"}`, "Content-Type: application/json")
		}, "11111"},
		{"delete 2", func() reply { return s.call(http.MethodDelete, "/api/products/2", "") }, "10111"},
		{"order", func() reply { return s.get("/api/orders/do?order=Yoyo") }, "00000"},
	} {
		for _, path := range reads {
			s.get(path)
			if got := s.get(path).layer(); got != hit {
				t.Errorf("before %s: the second read of %s is %q, want %q", write.what, path, got, hit)
			}
		}
		write.send()
		for i, path := range reads {
			want := hit
			if write.changes[i] == '1' {
				want = renewed
			}
			// Products 1 to 3 are in one id range, so a write to one of them may renew a page of its neighbours.
			if got := s.get(path).layer(); got != want &&
				!(got == renewed && strings.HasPrefix(path, "/api/products?")) {
				t.Errorf("after %s: the read of %s is %q, want %q", write.what, path, got, want)
			}
		}
	}
}

// TestTheNextPageGoesWithItsLastProduct checks that a cached page is invalidated when the only product after it is
// deleted. The page shows that product only by its link to the next page, and its id is far from those on the page.
func TestTheNextPageGoesWithItsLastProduct(t *testing.T) {
	s := mustServe(t)
	for id := 3; id <= 200; id++ {
		s.get(fmt.Sprint("/api/products?product=toy", id)).wantStatus(t, 200)
	}
	for id := 2; id < 200; id++ {
		s.call(http.MethodDelete, fmt.Sprint("/api/products/", id), "").wantStatus(t, 204)
	}
	s.get("/api/products?limit=1").want(t, 200,
		`{"products":[{"id":200,"name":"toy200","version":1}],"next":"/api/products?after=200&limit=1"}`)
	s.call(http.MethodDelete, "/api/products/1", "").wantStatus(t, 204)
	s.get("/api/products?limit=1").want(t, 200, `{"products":[{"id":200,"name":"toy200","version":1}]}`)
}

// TestRefusedWritesInvalidateNothing checks that nobody can empty the cache with writes that are refused.
func TestRefusedWritesInvalidateNothing(t *testing.T) {
	s := mustServe(t)
	s.get("/api/products/last")
	s.call(http.MethodDelete, "/api/products/424242", "").wantStatus(t, 404)
	s.call(http.MethodPut, "/api/products/1", `{"name":"x"}`, "Content-Type: application/json",
		`If-Match: "v9-0"`).wantStatus(t, 412)
	s.get("/api/products?product=").wantStatus(t, 400)
	if got := s.get("/api/products/last").layer(); got != hit {
		t.Errorf("after refused writes: %q, want %q", got, hit)
	}
}

func TestAbsenceIsKeptUntilCreation(t *testing.T) {
	s := mustServe(t)
	// It is kept for two seconds, which may pass on a busy machine: each time another product is asked for then.
	for id := 3; ; id++ {
		began := time.Now()
		first, second := s.get(fmt.Sprint("/api/products/", id)), s.get(fmt.Sprint("/api/products/", id))
		took := time.Since(began)
		for _, got := range []reply{first, second} {
			got.want(t, 404, fmt.Sprintf("There is no product %d.", id))
		}
		if first.layer() == filled && second.layer() == hit {
			break
		}
		if first.layer() != filled || took < time.Second {
			t.Fatalf("absence: %q and %q, want %q and %q", first.layer(), second.layer(), filled, hit)
		}
	}
	s.get("/api/products/3").want(t, 404, "There is no product 3.")
	s.get("/api/products?product=Robot")
	s.get("/api/products/3").want(t, 200, "Robot")
}

func TestAnOrdersStatusIsKeptAndMoves(t *testing.T) {
	s := mustServe(t)
	where := s.post("/api/orders", `{"product":"Yoyo"}`).header.Get("Location")
	// A read between the end's commit and its invalidation has the end, and is not kept: look for both at once.
	got := s.get(where)
	deadline := time.Now().Add(time.Minute)
	for ; !strings.Contains(got.body, "Success") || got.layer() != hit; got = s.get(where) {
		if time.Now().After(deadline) {
			t.Fatalf("an ended order: %q, %q; want Success, and %q", got.body, got.layer(), hit)
		}
	}
}

func TestKeptAnswersRevalidateAndServeHead(t *testing.T) {
	s := mustServe(t)
	first := s.get("/api/products/1")
	tag := first.header.Get("ETag")
	got := s.get("/api/products/1", "If-None-Match: "+tag)
	if got.status != 304 || got.body != "" || got.layer() != hit {
		t.Errorf("a kept answer with its ETag: %d %q %q", got.status, got.body, got.layer())
	}
	head := s.call(http.MethodHead, "/api/products/1", "")
	if head.status != 200 || head.layer() != hit || head.header.Get("Content-Length") != "4" {
		t.Errorf("HEAD: %d %v", head.status, head.header)
	}
	if json := s.get("/api/products/1", "Accept: application/json"); json.layer() != filled ||
		json.header.Get("ETag") == tag {
		t.Errorf("the other type: %q, ETag %s", json.layer(), json.header.Get("ETag"))
	}
	if other := s.get("/api/products/1?cb=123"); other.layer() != hit {
		t.Errorf("a made-up parameter: %q, want %q", other.layer(), hit)
	}
	// A fill that a conditional request began must not keep the 304.
	s.call(http.MethodPut, "/api/products/1", `{"name":"Yoyo"}`, "Content-Type: application/json")
	now := s.get("/api/products/1", "If-None-Match: "+`"v2-`+strings.SplitN(tag, "-", 2)[1])
	if now.status != 304 || now.layer() != renewed {
		t.Errorf("a conditional fill: %d %q", now.status, now.layer())
	}
	s.get("/api/products/1").want(t, 200, "Yoyo")
}

func TestHeavyShowsTheTimeItWasComputed(t *testing.T) {
	s := mustServe(t)
	first, second := s.get("/api/misc/heavy?name=x"), s.get("/api/misc/heavy?name=x")
	second.want(t, 200, first.body)
	if other := s.get("/api/misc/heavy?name=y"); other.body == first.body || other.layer() != filled {
		t.Errorf("another name: %q %q", other.body, other.layer())
	}
	if a, b := first.header.Get("X-Request-Id"), second.header.Get("X-Request-Id"); a == b {
		t.Errorf("a hit has the request id of the fill, %s", a)
	}
	if bypass := s.get("/api/misc/time").layer(); bypass != "near; fwd=bypass" {
		t.Errorf("time: %q", bypass)
	}
}

// TestWhatIsKeptOutlivesTheDatabase looks at how long answers may stand in for a database that is away.
func TestWhatIsKeptOutlivesTheDatabase(t *testing.T) {
	s := mustServe(t)
	order := s.post("/api/orders", `{"product":"Yoyo"}`).header.Get("Location")
	// Its end makes wrong what is kept of it, a moment after it can be read.
	for got := s.get(order); !strings.Contains(got.body, "Success") || got.layer() != hit; got = s.get(order) {
		time.Sleep(10 * time.Millisecond)
	}
	for path, want := range map[string]time.Duration{
		"/api/products/last": 10 * time.Minute, "/api/products/1": 10 * time.Minute, "/api/products": 10 * time.Minute,
		order: 10 * time.Minute, strings.Replace(order, "orders/", "orders?order_id=", 1): 10 * time.Minute,
		"/api/products/424242":   0, // there is none
		"/api/misc/heavy?name=x": 0, // no database makes it
		"/api/probes/observer":   0, // who probes wants to know what the database has
	} {
		s.kept.Clear(t.Context())
		s.get(path)
		keys := s.kept.Keys(2)
		if len(keys) != 1 {
			t.Errorf("%s is kept under %q", path, keys)
			continue
		}
		kept := s.kept.Inspect(keys[0]).Near
		if got := max(0, kept.Stale-kept.TTL); (got - want).Abs() > time.Second {
			t.Errorf("%s may be sent for %v after its time, want %v", path, got, want)
		}
	}
}
