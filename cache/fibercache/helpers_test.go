package fibercache_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/fibercache"
)

// program is a Fiber program that listens.
type program struct {
	t     testing.TB
	cache *cache.Cache
	url   string
}

// mustServe starts a program with one decorated route, GET /toys/:id, and more.
func mustServe(t testing.TB, o fibercache.Options, handler fiber.Handler,
	more ...func(*fiber.App, *cache.Cache)) *program {
	t.Helper()
	c, err := cache.New(cache.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if o.Name == "" {
		o.Name = "toy"
	}
	if o.TTL == 0 {
		o.TTL = time.Minute
	}
	cached, err := fibercache.New(c, o)
	if err != nil {
		t.Fatal(err)
	}
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	for _, add := range more {
		add(app, c)
	}
	app.Get("/toys/:id", cached, handler)
	app.Post("/toys/:id", cached, handler)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- app.Listener(ln) }()
	t.Cleanup(func() {
		c.Close()
		app.ShutdownWithTimeout(time.Second)
		<-ended
	})
	return &program{t: t, cache: c, url: "http://" + ln.Addr().String()}
}

// waiting returns how many callers wait for a fill.
func (p *program) waiting() int { return int(p.cache.Stats().Waiting) }

type reply struct {
	status int
	header http.Header
	body   string
}

// call sends a request; headers are "Name: value".
func (p *program) call(method, path string, headers ...string) reply {
	p.t.Helper()
	request, err := http.NewRequest(method, p.url+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		request.Header.Add(name, value)
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return reply{response.StatusCode, response.Header, string(body)}
}

func (p *program) get(path string, headers ...string) reply {
	p.t.Helper()
	return p.call(http.MethodGet, path, headers...)
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
