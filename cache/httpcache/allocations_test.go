package httpcache

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// paper is a ResponseWriter that takes no memory.
type paper struct {
	header http.Header
	status int
	bytes  int
}

func (p *paper) Header() http.Header { return p.header }
func (p *paper) WriteHeader(s int)   { p.status = s }
func (p *paper) Write(b []byte) (int, error) {
	p.bytes += len(b)
	return len(b), nil
}

// mustPoolOne makes the pool return the same scratch each time: under the race detector it loses some at random.
func mustPoolOne(t *testing.T) {
	make, one := scratches.New, scratches.New()
	scratches.New = func() any { return one }
	t.Cleanup(func() { scratches.New = make })
}

// TestAHitAllocatesNothing asks for what is kept, with and without what a request may bring along.
func TestAHitAllocatesNothing(t *testing.T) {
	mustPoolOne(t)
	cached := mustCache(t)
	h := cached(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("Vary", "Accept")
		w.Header().Set("ETag", `"v1"`)
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"id":1}`))
	}))
	for name, row := range map[string]struct {
		target string
		header http.Header
		status int
	}{
		"plain":         {"/toys/1", http.Header{"Accept": {"a/b"}}, 200},
		"a query":       {"/toys/1?page=2&after=a%20b+c&limit=3", nil, 200},
		"If-None-Match": {"/toys/1", http.Header{"If-None-Match": {`"v0"`, `W/"v1"`}}, 304},
		"If-Match":      {"/toys/1", http.Header{"If-Match": {`"v0", "v1"`}}, 200},
	} {
		r := httptest.NewRequest("GET", row.target, nil)
		if row.header != nil {
			r.Header = row.header
		}
		h.ServeHTTP(&paper{header: http.Header{}}, r)
		w := &paper{header: http.Header{}}
		if n := testing.AllocsPerRun(1000, func() { h.ServeHTTP(w, r) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
		if w.status != row.status || row.status == 200 && w.bytes == 0 ||
			w.header["Cache-Status"][0][:9] != "near; hit" {
			t.Errorf("%s: %d with %d bytes, %v; want a hit", name, w.status, w.bytes, w.header)
		}
	}
}

// BenchmarkHit is a kept answer without a network, BenchmarkBare a handler that sends the same.
func BenchmarkHit(b *testing.B) {
	benchmark(b, mustCache(b)(http.HandlerFunc(answerToy)))
}

func BenchmarkBare(b *testing.B) { benchmark(b, http.HandlerFunc(answerToy)) }

var toy = []byte(`{"id":1,"name":"A wooden train","version":1}`)

func answerToy(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h["Cache-Control"], h["Vary"] = []string{"no-cache"}, []string{"Accept"}
	h["Etag"], h["Content-Type"] = []string{`"v1-60e5f2a1b9c4d7e8"`}, []string{"application/json"}
	w.Write(toy)
}

func benchmark(b *testing.B, h http.Handler) {
	r := httptest.NewRequest("GET", "/toys/1", nil)
	w := &paper{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		h.ServeHTTP(w, r)
	}
}
