package httpcache

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/cache"
)

// FuzzQuery checks that a query is read as url.ParseQuery reads it.
func FuzzQuery(f *testing.F) {
	for _, query := range []string{"a=1&b=2", "a=%31&a+b=%2B", "a;b", "%zz=1&a=1", "&&=&a", "a==b=c", "%4",
		"a=%e2%82%AC&a=1"} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		var s scratch
		whole := s.parse(query)
		want, err := url.ParseQuery(query)
		if whole != (err == nil) {
			t.Errorf("%q: whole = %v, ParseQuery: %v", query, whole, err)
		}
		got := url.Values{}
		for _, p := range s.params {
			got.Add(p.name, p.value)
		}
		if got.Encode() != want.Encode() {
			t.Errorf("%q is read as %q, want %q", query, got, want)
		}
	})
}

// TestWhatIsBehindAPrefixHasAKeyOfItsOwn checks that two handlers behind http.StripPrefix, which see the same path
// through one middleware, do not share keys.
func TestWhatIsBehindAPrefixHasAKeyOfItsOwn(t *testing.T) {
	cached := mustCache(t)
	mux := http.NewServeMux()
	for _, prefix := range []string{"/toys", "/orders"} {
		mux.Handle(prefix+"/",
			http.StripPrefix(prefix, cached(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Write([]byte(prefix))
			}))))
	}
	for range 2 {
		for _, prefix := range []string{"/toys", "/orders"} {
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, httptest.NewRequest("GET", prefix+"/1", nil))
			if got := w.Body.String(); got != prefix {
				t.Errorf("%s/1 got the answer of %s/1", prefix, got)
			}
		}
	}
}

// TestPathsThatDiffer checks that spellings of a path which a handler may distinguish have keys of their own.
func TestPathsThatDiffer(t *testing.T) {
	cached := mustCache(t)
	h := cached(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(r.RequestURI)) }))
	for range 2 {
		for _, target := range []string{
			"/a/b", "//a/b", "/a//b", "/a/b/", "/a%2Fb", "/a%252Fb", "/%61/b", "/a/./b", "/a/b;c", "/a/b%00", "/a/b%3F",
			"/a/b?", "/A/b", "http://other/a/b",
		} {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest("GET", target, nil))
			if got := w.Body.String(); got != target && target != "/a/b?" {
				t.Errorf("%s got the answer of %s", target, got)
			}
		}
	}
}

// TestRewrittenPathsThatDiffer checks the same where middleware has set the path of the request.
func TestRewrittenPathsThatDiffer(t *testing.T) {
	cached := mustCache(t)
	h := cached(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(r.URL.EscapedPath())) }))
	for range 2 {
		for _, target := range []string{"/a/b", "/a//b", "/a%2Fb", "/a%252Fb"} {
			r := httptest.NewRequest("GET", "/came", nil)
			r.URL = httptest.NewRequest("GET", target, nil).URL
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if got := w.Body.String(); got != target {
				t.Errorf("%s got the answer of %s", target, got)
			}
		}
	}
}

func mustCache(t testing.TB) func(http.Handler) http.Handler {
	t.Helper()
	c, err := cache.New(cache.Config{})
	if err != nil {
		t.Fatal(err)
	}
	cached, err := New(c, Options{Options: cache.Options{Name: "toy", TTL: time.Hour}})
	if err != nil {
		t.Fatal(err)
	}
	return cached
}
