package httpcache_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/conditional/conditionaltest"
	"github.com/woodytoys/woodytoys/cache/httpcache"
)

// echo answers with everything that a key has to hold, and how often it was asked.
func echo(asked *atomic.Int64) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s?%s %s #%d", r.URL.EscapedPath(), r.URL.RawQuery, r.Header.Get("Accept"), asked.Add(1))
	}
}

// TestTheKeyIsEverything checks that the query is part of the key: Fiber's own cache middleware answers ?id=2 with what
// it stored for ?id=1.
func TestTheKeyIsEverything(t *testing.T) {
	var asked atomic.Int64
	p := mustServe(t, httpcache.Options{}, echo(&asked))
	seen := map[string]string{}
	for _, path := range []string{
		"/toys/1", "/toys/2", "/toys/1?id=1", "/toys/1?id=2", "/toys/1?id=1&page=2", "/toys/1?id=1&id=2",
		"/toys/1?id=2&id=1",
		"/toys/1?id", "/toys/1?id=1%00page=2", "/toys/1?id=1;page=2", "/toys/1?id=1%3Bpage=2", "/toys/1?a%zz=1",
		"/toys/1?a%25zz=1",
		"/toys/1?=1", "/toys/1?a+b=1", "/toys/1?a%2Bb=1", "/toys/%31", "/toys/a%2Fb", "/toys/a%252Fb",
	} {
		for _, accept := range []string{"text/plain", "application/json"} {
			got := p.get(path, "Accept: "+accept).body
			if other, taken := seen[got]; taken {
				t.Errorf("%s as %s got the answer of %s", path, accept, other)
			}
			seen[got] = path + " " + accept
			if again := p.get(path, "Accept: "+accept).body; again != got {
				t.Errorf("%s as %s was not kept: %q, then %q", path, accept, got, again)
			}
		}
	}
	for a, b := range map[string]string{
		"/toys/1?x=1&y=2": "/toys/1?y=2&x=1", "/toys/1?x=1&z=2": "/toys/1?x=%31&z=%32", "/toys/1?w=1": "/toys/1?&w=1&",
	} {
		if a, b := p.get(a).body, p.get(b).body; a != b {
			t.Errorf("the spelling of parameters made two keys: %q, %q", a, b)
		}
	}
}

// TestReusedConnectionsNeverMixKeys sends many requests for different paths over each connection, and checks that none
// gets another's response: the memory for keys is reused.
func TestReusedConnectionsNeverMixKeys(t *testing.T) {
	p := mustServe(t, httpcache.Options{Tags: func(r *http.Request) []string { return []string{r.PathValue("id")} }},
		func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.PathValue("id")) })
	var group sync.WaitGroup
	for client := range 8 {
		group.Go(func() {
			for i := range 1000 {
				id := strings.Repeat(fmt.Sprint((i*7+client)%50), 1+i%5)
				if got := p.get("/toys/" + id); got.body != id {
					t.Errorf("asked for %s, got %q", id, got.body)
					return
				}
			}
		})
	}
	group.Wait()
}

// TestOnlyGoodAnswersAreKept checks that failures are not cached: Fiber's own cache middleware replays a 500 for a
// minute.
func TestOnlyGoodAnswersAreKept(t *testing.T) {
	for name, row := range map[string]struct {
		handler http.HandlerFunc
		hit     bool
	}{
		"200":     {text("x"), true},
		"nothing": {func(http.ResponseWriter, *http.Request) {}, true},
		"error":   {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "broken", 500) }, false},
		"500":     {status(500), false},
		"302": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		}, false},
		"404, no time": {http.NotFound, false},
		"204":          {status(204), false},
		"206":          {status(206), false},
		"304":          {status(304), false},
		"a cookie": {func(w http.ResponseWriter, _ *http.Request) {
			http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
		}, false},
		"a cookie, raw": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["set-cookie"] = []string{"a=b"}
		}, false},
		"no-store": {with("Cache-Control", "no-store"), false},
		"no-store, raw": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["cache-control"] = []string{"no-store"}
		}, false},
		"private":        {with("Cache-Control", "max-age=1, Private"), false},
		"private, named": {with("Cache-Control", `Private="x, y"`), false},
		"no-cache":       {with("Cache-Control", "no-cache"), true},
		"Vary: *":        {with("Vary", "*"), false},
		"Vary: Cookie":   {with("Vary", "Accept, Cookie"), false},
		"Vary: Cookie raw": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["vary"] = []string{"Cookie"}
		}, false},
		"Vary: Accept": {with("Vary", "accept"), true},
		"private, 2nd": {with("Cache-Control", "no-cache", "private"), false},
		"Cookie, 2nd":  {with("Vary", "Accept", "Cookie"), false},
		"two Links":    {with("Link", "</a>", "</b>"), true},
		"a stream":     {func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush() }, false},
	} {
		t.Run(name, func(t *testing.T) {
			mustServe(t, httpcache.Options{}, row.handler).wantHit(row.hit, "/toys/1")
		})
	}
	t.Run("Authorization", func(t *testing.T) {
		mustServe(t, httpcache.Options{}, text("x")).wantHit(false, "/toys/1", "Authorization: Basic eDp5")
	})
	t.Run("404 for a while", func(t *testing.T) {
		o := httpcache.Options{Options: cache.Options{NegativeTTL: time.Minute}}
		mustServe(t, o, http.NotFound).wantHit(true, "/toys/1")
	})
}

// TestAllLinesOfAFieldAreKept checks that a hit has all lines of a field that the fill had, behind middleware that has
// set some already.
func TestAllLinesOfAFieldAreKept(t *testing.T) {
	for _, outer := range []string{"", "Origin", "Accept-Encoding", "Origin, accept"} {
		p := mustServe(t, httpcache.Options{}, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Add("Link", "</a>")
			w.Header().Add("Link", "</b>")
			w.Header().Add("Vary", "Accept")
			io.WriteString(w, "x")
		}, around(func(next http.Handler, w http.ResponseWriter, r *http.Request) {
			if outer != "" {
				w.Header().Set("Vary", outer)
			}
			next.ServeHTTP(w, r)
		}))
		p.wantHit(true, "/toys/1")
		for _, who := range []string{"fill", "hit"} {
			path := "/toys/1"
			if who == "fill" {
				path = "/toys/2"
			}
			got := p.get(path).header
			if link := strings.Join(got.Values("Link"), ", "); link != "</a>, </b>" {
				t.Errorf("before it, Vary: %s; the %s has Link: %s", outer, who, link)
			}
			varies := map[string]bool{}
			for member := range strings.SplitSeq(strings.Join(got.Values("Vary"), ","), ",") {
				varies[strings.ToLower(strings.TrimSpace(member))] = true
			}
			for member := range strings.SplitSeq(outer, ", ") {
				if !varies["accept"] || outer != "" && !varies[strings.ToLower(member)] {
					t.Errorf("before it, Vary: %s; the %s has Vary: %v", outer, who, got.Values("Vary"))
				}
			}
		}
	}
}

// TestWhatIsMadePerAnswer checks that a hit has the header fields of the response, and those that middleware before the
// cache sets for this request, but none of another caller's.
func TestWhatIsMadePerAnswer(t *testing.T) {
	var n atomic.Int64
	p := mustServe(t, httpcache.Options{}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</next>")
		w.Header().Set("X-Secret-Of-One-Caller", "hush")
		io.WriteString(w, `"x"`)
	}, around(func(next http.Handler, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Request-Id", fmt.Sprint(n.Add(1)))
		next.ServeHTTP(w, r)
	}))
	first, second := p.get("/toys/1"), p.get("/toys/1")
	for _, name := range []string{"Content-Type", "Link", "Etag", "Content-Length"} {
		if a, b := first.header.Get(name), second.header.Get(name); a == "" || a != b {
			t.Errorf("%s: %q of the fill, %q of the hit", name, a, b)
		}
	}
	if got := second.header.Get("X-Request-Id"); got != "2" {
		t.Errorf("X-Request-Id of the hit = %q, want its own, 2", got)
	}
	if got := first.header.Get("X-Secret-Of-One-Caller"); got != "hush" {
		t.Errorf("the caller whose request the handler saw got %q", got)
	}
	if got := second.header.Get("X-Secret-Of-One-Caller"); got != "" {
		t.Errorf("a field that is not the answer's was kept: %q", got)
	}
}

func TestConditionalRequests(t *testing.T) {
	var asked atomic.Int64
	p := mustServe(t, httpcache.Options{}, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.Header().Set("ETag", `"one"`)
		if r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(304)
			return
		}
		io.WriteString(w, "x")
	})
	for range 2 { // a fill, then a hit
		if got := p.get("/toys/1", `If-None-Match: "other", W/"one"`); got.status != 304 || got.body != "" {
			t.Errorf("got %d %q, want 304", got.status, got.body)
		}
	}
	if got := p.get("/toys/1"); got.status != 200 || got.body != "x" {
		t.Errorf("after conditional requests: %d %q", got.status, got.body)
	}
	if head := p.call(http.MethodHead, "/toys/1"); head.header.Get("Content-Length") != "1" || asked.Load() != 1 {
		t.Errorf("HEAD: %v after %d handler calls, want the kept answer's header", head.header, asked.Load())
	}
}

// TestConditions checks the table against an answer that is just made, one that is kept, one that is its caller's own,
// and one that flows to its caller.
func TestConditions(t *testing.T) {
	for name, control := range map[string]string{"kept": "no-cache", "own": "no-store", "flushed": "no-cache"} {
		t.Run(name, func(t *testing.T) {
			p := mustServe(t, httpcache.Options{}, func(w http.ResponseWriter, r *http.Request) {
				for _, condition := range []string{"If-Match", "If-None-Match", "If-Modified-Since",
					"If-Unmodified-Since", "If-Range", "Range"} {
					if r.Header.Get(condition) != "" {
						t.Errorf("the handler sees %s", condition)
					}
				}
				w.Header().Set("ETag", `"v1-abc"`)
				w.Header().Set("Cache-Control", control)
				w.Header().Set("Link", "</next>")
				if name == "flushed" {
					w.(http.Flusher).Flush()
				}
				io.WriteString(w, "x")
			})
			for i, row := range conditionaltest.Cases {
				for range 2 { // the first is a fill, the second may be a hit
					got := p.get(fmt.Sprint("/toys/", i), append(row.For(`"v1-abc"`), "Range: bytes=0-0")...)
					want := map[int]string{200: "x", 304: "", 412: "Precondition Failed\n"}[row.Read]
					if got.status != row.Read || got.body != want {
						t.Errorf("%v = %d %q, want %d %q", row, got.status, got.body, row.Read, want)
					}
					if tag := got.header.Get("ETag"); row.Read == 412 && tag+got.header.Get("Link") != "" ||
						row.Read != 412 && tag != `"v1-abc"` {
						t.Errorf("%v = %d with the fields %v", row, got.status, got.header)
					}
				}
			}
			if got := p.get("/toys/0"); got.status != 200 || got.body != "x" {
				t.Errorf("without conditions: %d %q", got.status, got.body)
			}
		})
	}
}

// TestConditionsByDate checks conditional requests by date for a response with Last-Modified and without an ETag.
func TestConditionsByDate(t *testing.T) {
	const before, date = "Sun, 01 Nov 2026 10:00:00 GMT", "Mon, 02 Nov 2026 10:00:00 GMT"
	dated := mustServe(t, httpcache.Options{}, with("Last-Modified", date))
	for range 2 {
		for condition, want := range map[string]int{
			"If-Modified-Since: " + date: 304, "If-Modified-Since: " + before: 200,
			"If-Unmodified-Since: " + date: 200, "If-Unmodified-Since: " + before: 412,
		} {
			if got := dated.get("/toys/1", condition); got.status != want {
				t.Errorf("%s = %d, want %d", condition, got.status, want)
			}
		}
	}
}

// TestConditionsOfAFailureMeanNothing checks that responses other than of success are sent whatever the conditions of
// the request.
func TestConditionsOfAFailureMeanNothing(t *testing.T) {
	for _, status := range []int{302, 400, 404, 503} {
		o := httpcache.Options{Options: cache.Options{NegativeTTL: time.Minute}}
		p := mustServe(t, o, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("ETag", `"v1-abc"`)
			w.WriteHeader(status)
			io.WriteString(w, "sorry")
		})
		for i, row := range conditionaltest.Cases {
			if got := p.get(fmt.Sprint("/toys/", i%2), row.For(`"v1-abc"`)...); got.status != status ||
				got.body != "sorry" {
				t.Errorf("%d: %v = %d %q", status, row, got.status, got.body)
			}
		}
	}
}

// TestAnotherCallersConditionStaysAnothers checks that of two callers who wait for one fill, each has its own condition
// evaluated.
func TestAnotherCallersConditionStaysAnothers(t *testing.T) {
	asked, goOn := make(chan bool, 1), make(chan bool)
	p := mustServe(t, httpcache.Options{}, func(w http.ResponseWriter, _ *http.Request) {
		asked <- true
		<-goOn
		io.WriteString(w, "x")
	})
	first := p.goGet("/toys/1", `If-Match: "other"`)
	<-asked
	second := p.goGet("/toys/1", `If-None-Match: "other"`)
	p.mustWait(2)
	close(goOn)
	if got := <-first; got.status != 412 {
		t.Errorf("the one who had the handler asked = %d, want 412", got.status)
	}
	if got := <-second; got.status != 200 || got.body != "x" {
		t.Errorf("the other = %d %q, want 200", got.status, got.body)
	}
}

// TestAllLinesOfAcceptAreInTheKey checks that without a Variant the key has all lines of Accept.
func TestAllLinesOfAcceptAreInTheKey(t *testing.T) {
	p := mustServe(t, httpcache.Options{}, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, strings.Join(r.Header.Values("Accept"), ", "))
	})
	for _, accept := range [][]string{{"Accept: a/b"}, {"Accept: a/b", "Accept: c/d"}, {"Accept: a/b", "Accept: e/f"},
		{"Accept: a/b,c/d", "Accept: e/f"}} {
		want := strings.ReplaceAll(strings.Join(accept, ", "), "Accept: ", "")
		if got := p.get("/toys/1", accept...).body; got != want {
			t.Errorf("with %q the answer is for %q", accept, got)
		}
	}
}

// TestOneFillForACrowd sends a thousand requests for one cold path.
func TestOneFillForACrowd(t *testing.T) {
	var asked, collapsed atomic.Int64
	begun, release := make(chan struct{}), make(chan struct{})
	p := mustServe(t, httpcache.Options{}, func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		close(begun)
		<-release
		io.WriteString(w, "x")
	})
	var group sync.WaitGroup
	ask := func() {
		got := p.get("/toys/1")
		if got.body != "x" {
			t.Errorf("got %d %q", got.status, got.body)
		}
		if strings.Contains(got.header.Get("Cache-Status"), "collapsed") {
			collapsed.Add(1)
		}
	}
	group.Go(ask)
	<-begun
	for range 999 {
		group.Go(ask)
	}
	close(release)
	group.Wait()
	if asked.Load() != 1 {
		t.Errorf("the handler was asked %d times, want once", asked.Load())
	}
	t.Logf("%d of 999 waited for the fill, the others hit", collapsed.Load())
}

// TestARefreshAsksTheHandlerAgain asks a route without a pause until it is refreshed, long before its TTL is over, and
// checks that the answers change. The handler sees the request as it came, without the prefix that is stripped.
func TestARefreshAsksTheHandlerAgain(t *testing.T) {
	const ttl = 5 * time.Second
	var asked, passed atomic.Int64
	refreshed := make(chan struct{}, 100)
	p := mustServe(t, httpcache.Options{Options: cache.Options{TTL: ttl, RefreshAhead: 0.1}},
		func(w http.ResponseWriter, r *http.Request) {
			if httpcache.IsRefresh(r.Context()) {
				defer func() { refreshed <- struct{}{} }()
			}
			fmt.Fprint(w, r.PathValue("id"), " ", r.FormValue("q"), " ", r.Header.Get("Accept"), " ", r.Pattern,
				" #", asked.Add(1))
		}, around(func(next http.Handler, w http.ResponseWriter, r *http.Request) {
			passed.Add(1)
			http.StripPrefix("/api", next).ServeHTTP(w, r)
		}))
	const path, want = "/api/toys/7?q=a", "7 a a/b /toys/{id} #"
	if got := p.get(path, "Accept: a/b").body; got != want+"1" {
		t.Fatalf("first answer %q", got)
	}
	gets := int64(1)
	for done := false; !done; {
		p.get(path, "Accept: a/b")
		gets++
		select {
		case <-refreshed:
			done = true
		default:
		}
	}
	p.cache.Close() // the refresh has landed
	got := p.get(path, "Accept: a/b")
	if got.body == want+"1" || !strings.HasPrefix(got.body, want) ||
		!strings.HasPrefix(got.header.Get("Cache-Status"), "near; hit") {
		t.Errorf("after the refresh: %q %q, want a newer kept answer", got.body, got.header.Get("Cache-Status"))
	}
	if n := passed.Load() - gets - 1; n != asked.Load()-1 {
		t.Errorf("%d requests of the cache's own came through the program, and %d to the handler", n, asked.Load()-1)
	}
}

func TestWritesPassBy(t *testing.T) {
	var asked atomic.Int64
	p := mustServe(t,
		httpcache.Options{Bypass: func(r *http.Request) bool { return r.FormValue("write") != "" }}, echo(&asked))
	for _, call := range []func() reply{
		func() reply { return p.call(http.MethodPost, "/toys/1") }, func() reply { return p.get("/toys/1?write=1") },
	} {
		before := asked.Load()
		if got := call().header.Get("Cache-Status"); got != "near; fwd=bypass" {
			t.Errorf("Cache-Status = %q, want a bypass", got)
		}
		call()
		if got := asked.Load() - before; got != 2 {
			t.Errorf("two writes asked the handler %d times", got)
		}
	}
}

// TestSkippedAnswersAreNotKept checks that a response is not stored when the handler calls Skip, whether it is of
// success or 404.
func TestSkippedAnswersAreNotKept(t *testing.T) {
	var asked atomic.Int64
	p := mustServe(t, httpcache.Options{Options: cache.Options{NegativeTTL: time.Minute}},
		func(w http.ResponseWriter, r *http.Request) {
			if asked.Add(1) < 3 {
				httpcache.Skip(r.Context(), "read-only")
			}
			if r.PathValue("id") == "absent" {
				http.NotFound(w, r)
				return
			}
			io.WriteString(w, "toy")
		})
	for _, path := range []string{"/toys/1", "/toys/absent"} {
		asked.Store(0)
		for range 2 {
			if got := p.get(path).header.Get("Cache-Status"); got != "origin; detail=read-only, near; fwd=uri-miss" {
				t.Errorf("%s: %q, want why it is not kept", path, got)
			}
		}
		p.wantHit(true, path)
	}
}

// TestOptionsThatCannotWork checks that they are refused.
func TestOptionsThatCannotWork(t *testing.T) {
	c, err := cache.New(cache.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []httpcache.Options{
		{}, {Options: cache.Options{Name: "toy"}}, {Options: cache.Options{Name: "toy", TTL: time.Second}, MaxBody: -1},
	} {
		if _, err := httpcache.New(c, o); err == nil {
			t.Errorf("%+v was taken", o.Options)
		}
	}
}

// TestQueryNamesWhatCounts checks that only the parameters that Options.Query names are part of the key, with all their
// values in order.
func TestQueryNamesWhatCounts(t *testing.T) {
	var asked atomic.Int64
	p := mustServe(t, httpcache.Options{Query: []string{"page"}}, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.URL.Query()["page"], " #", asked.Add(1))
	})
	for want, paths := range map[string][]string{
		"[1]":   {"/toys/1?page=1", "/toys/1?made=up&page=1", "/toys/1?page=1&a%zz&b;c"},
		"[]":    {"/toys/1", "/toys/1?pages=1"},
		"[1 2]": {"/toys/1?page=1&page=2"},
		"[2 1]": {"/toys/1?page=2&page=1"},
	} {
		first := p.get(paths[0]).body
		for _, path := range paths {
			if got := p.get(path).body; got != first || !strings.HasPrefix(got, want+" #") {
				t.Errorf("%s = %q, want %q", path, got, first)
			}
		}
	}
	none := mustServe(t, httpcache.Options{Query: []string{}}, echo(&asked))
	if a, b := none.get("/toys/1?a=1").body, none.get("/toys/1?a=2").body; a != b {
		t.Errorf("a route that depends on no parameter: %q, %q", a, b)
	}
}
