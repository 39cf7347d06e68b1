package httpcache_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/httpcache"
)

// site is what a test may change of a program before that listens.
type site struct {
	mux    *http.ServeMux
	cache  *cache.Cache
	outer  func(http.Handler) http.Handler // around the mux
	cached func(http.Handler) http.Handler
}

// program is a net/http program that listens.
type program struct {
	t     testing.TB
	cache *cache.Cache
	url   string
	log   *logged
}

// logged is what a server has logged.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// mustServe starts a program with one decorated route, /toys/{id}, and more.
func mustServe(t testing.TB, o httpcache.Options, handler http.HandlerFunc, more ...func(*site)) *program {
	t.Helper()
	c, err := cache.New(cache.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return mustServeFrom(t, c, o, handler, more...)
}

// mustServeFrom is like mustServe, with a cache of one's own, which it closes.
func mustServeFrom(t testing.TB, c *cache.Cache, o httpcache.Options, handler http.HandlerFunc,
	more ...func(*site)) *program {
	t.Helper()
	if o.Name == "" {
		o.Name = "toy"
	}
	if o.TTL == 0 {
		o.TTL = time.Minute
	}
	cached, err := httpcache.New(c, o)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{http.NewServeMux(), c, func(h http.Handler) http.Handler { return h }, cached}
	s.mux.Handle("/toys/{id}", cached(handler))
	for _, add := range more {
		add(s)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &program{t: t, cache: c, url: "http://" + ln.Addr().String(), log: &logged{}}
	server := &http.Server{Handler: s.outer(s.mux), ErrorLog: log.New(p.log, "", 0)}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ln) }()
	t.Cleanup(func() {
		c.Close()
		server.Close()
		<-ended
	})
	return p
}

// around wraps a middleware around the whole program.
func around(middleware func(next http.Handler, w http.ResponseWriter, r *http.Request)) func(*site) {
	return func(s *site) {
		s.outer = func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { middleware(next, w, r) })
		}
	}
}

// waiting returns how many callers wait for a fill.
func (p *program) waiting() int { return int(p.cache.Stats().Waiting) }

// mustWait waits until so many callers wait for a fill.
func (p *program) mustWait(n int) {
	p.t.Helper()
	for deadline := time.Now().Add(time.Minute); p.waiting() != n; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("%d callers wait, want %d", p.waiting(), n)
		}
	}
}

type reply struct {
	status int
	header http.Header
	body   string
	err    error
}

// ask sends a request; headers are "Name: value". Leaving by ctx is an error, and so is an answer that breaks off.
func (p *program) ask(ctx context.Context, method, path string, headers ...string) reply {
	request, err := http.NewRequestWithContext(ctx, method, p.url+path, nil)
	if err != nil {
		return reply{err: err}
	}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		request.Header.Add(name, value)
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return reply{err: err}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return reply{response.StatusCode, response.Header, string(body), err}
}

func (p *program) call(method, path string, headers ...string) reply {
	p.t.Helper()
	got := p.ask(context.Background(), method, path, headers...)
	if got.err != nil {
		p.t.Errorf("%s %s: %v", method, path, got.err) // and not Fatal: callers wait in goroutines of their own
	}
	return got
}

func (p *program) get(path string, headers ...string) reply {
	p.t.Helper()
	return p.call(http.MethodGet, path, headers...)
}

// goGet sends a GET in the background.
func (p *program) goGet(path string, headers ...string) <-chan reply {
	got := make(chan reply, 1)
	go func() { got <- p.ask(context.Background(), http.MethodGet, path, headers...) }()
	return got
}

// wantHit asks twice and reports whether the second answer was kept.
func (p *program) wantHit(want bool, path string, headers ...string) {
	p.t.Helper()
	first := p.get(path, headers...)
	second := p.get(path, headers...)
	if got := strings.HasPrefix(second.header.Get("Cache-Status"), "near; hit"); got != want {
		p.t.Errorf("%s %v: the second answer is %q, want a hit: %v",
			path, headers, second.header.Get("Cache-Status"), want)
	}
	if want && (first.body != second.body || first.status != second.status) {
		p.t.Errorf("%s: a hit answers %d %q, the fill %d %q",
			path, second.status, second.body, first.status, first.body)
	}
}

// text returns a handler that writes a text.
func text(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) }
}

// with returns a handler that sets a field and writes "x".
func with(name string, lines ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for _, line := range lines {
			w.Header().Add(name, line)
		}
		io.WriteString(w, "x")
	}
}

// status returns a handler that writes a status alone.
func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

var errTest = errors.New("the test's own error")
