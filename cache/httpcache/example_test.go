package httpcache_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/httpcache"
)

// A handler behind the cache, and a write that says what it changes.
func Example() {
	name := "yoyo" // the database
	c, err := cache.New(cache.Config{})
	if err != nil {
		panic(err)
	}
	cached, err := httpcache.New(c, httpcache.Options{
		Options: cache.Options{Name: "toy", TTL: time.Minute},
		Tags:    func(r *http.Request) []string { return []string{"toy:" + r.PathValue("id")} },
	})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /toys/{id}", cached(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, name)
	})))
	mux.HandleFunc("PUT /toys/{id}", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		name = string(body)                                              // the write has committed,
		if err := c.Invalidate("toy:" + r.PathValue("id")); err != nil { // and is not answered yet
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})

	ask := func(method, body string, header ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "/toys/1", strings.NewReader(body))
		for _, line := range header {
			name, value, _ := strings.Cut(line, ": ")
			r.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		return w
	}
	show := func(header ...string) {
		w := ask(http.MethodGet, "", header...)
		status, _, _ := strings.Cut(w.Header().Get("Cache-Status"), "; ttl") // the seconds are left out
		fmt.Printf("%d %s (%s)\n", w.Code, w.Body, status)
	}
	show()
	show()
	ask(http.MethodPut, "train")
	show()
	show(`If-Match: "another"`)
	show("Authorization: Basic eDp5")
	// Output:
	// 200 yoyo (origin, near; fwd=uri-miss; stored)
	// 200 yoyo (near; hit)
	// 200 train (origin, near; fwd=stale; detail=invalidated; stored)
	// 412 Precondition Failed
	//  (near; hit)
	// 200 train (near; fwd=bypass)
}
