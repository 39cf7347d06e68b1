package main

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/woodytoys/woodytoys/internal/otlptest"
	"github.com/woodytoys/woodytoys/internal/programs"
)

// traced is two replicas that share a cache, behind the proxy, all of which send traces to one receiver.
type traced struct {
	t        *testing.T
	receiver *otlptest.Receiver
	replicas []*replica
	proxy    *programs.HAProxy
}

func mustTrace(t *testing.T, settings ...string) *traced {
	redis, dsn := mustServers(t)
	s := &traced{t: t, receiver: otlptest.MustStart(t)}
	for _, name := range []string{"one", "two"} {
		s.replicas = append(s.replicas, mustStartReplica(t, append([]string{
			"WOODY_DB_DSN=" + dsn, "WOODY_REPLICA_ID=" + name, "WOODY_ADMIN_ADDR=127.0.0.1:0",
			"WOODY_REDIS_ADDR=" + redis.Addr, "WOODY_REDIS_PASSWORD=secret",
			// a slow machine is not a lost one
			"WOODY_REDIS_TIMEOUT=5s", "WOODY_ACK_TIMEOUT=5s", "WOODY_CACHE_LEASE=5s", "WOODY_FILL_LEASE=30s",
			"WOODY_HEAVY_DELAY=50ms", "WOODY_SLOW_QUERY_DELAY=0", "WOODY_LOG_LEVEL=debug", "WOODY_LOG_FORMAT=json",
			"OTEL_EXPORTER_OTLP_ENDPOINT=" + s.receiver.URL, "OTEL_BSP_SCHEDULE_DELAY=50",
			"OTEL_SERVICE_NAME=shop", "OTEL_RESOURCE_ATTRIBUTES=deployment.environment.name=test",
			"OTEL_EXPORTER_OTLP_HEADERS=x-key=secret",
		}, settings...)...))
	}
	for _, r := range s.replicas {
		mustAwait(t, r.metricsURL(), http.StatusOK, "woody_cache_members 2")
	}
	var err error
	s.proxy, err = programs.StartHAProxy(programs.HAProxyConfig{
		API: []string{s.replicas[0].Addr(), s.replicas[1].Addr()}, Tracing: true, JSONLog: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.proxy.Close)
	mustAwait(t, s.proxy.URL+"/api/ping", http.StatusOK, "healthy")
	t.Cleanup(func() {
		for _, r := range s.replicas {
			for line := range strings.Lines(r.Log()) {
				if t.Failed() && strings.Contains(line, "WARN") {
					t.Log(line)
				}
			}
		}
	})
	return s
}

const (
	someTrace  = "0af7651916cd43dd8448eb211c80319c"
	someParent = "b7ad6b7169203331"
)

// call sends a request with a trace of its own, and returns that trace's id and the response's header.
func (s *traced) call(method, url, body string, trace string) http.Header {
	s.t.Helper()
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	if trace != "" {
		request.Header.Set("traceparent", "00-"+trace+"-"+someParent+"-01")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	if text, err := io.ReadAll(response.Body); err != nil || response.StatusCode >= 300 {
		s.t.Fatalf("%s %s: %s %s %v", method, url, response.Status, text, err)
	}
	return response.Header
}

// traceNumber returns the n-th of many different ids.
func traceNumber(n int) string { return fmt.Sprintf("%032x", n) }

// wantPaths fails the test unless each path is one of the trace's spans.
func wantPaths(t *testing.T, got otlptest.Trace, paths ...string) {
	t.Helper()
	var all []string
	for _, span := range got {
		all = append(all, got.Path(span))
	}
	for _, path := range paths {
		if !slices.Contains(all, path) {
			t.Errorf("there is no span %q in\n%s", path, got)
		}
	}
}

// TestTraceOfAMissAndAWrite follows a read that nothing was kept of, one from Redis, one that is near, and a write up
// to the acknowledgements, from the proxy on. What the trace has done is what Cache-Status says.
func TestTraceOfAMissAndAWrite(t *testing.T) {
	t.Parallel()
	s := mustTrace(t)
	const route = "GET /api/products/:id<int>"
	header := s.call("GET", s.proxy.URL+"/api/products/1", "", traceNumber(1))
	first := s.receiver.Await(t, traceNumber(1), otlptest.Has("proxy", route, "cache fill", "EVALSHA finish"))
	in := "proxy > " + route
	wantPaths(t, first, in, in+" > GET", in+" > cache fill > EVALSHA acquire", in+" > cache fill > SELECT product",
		in+" > cache fill > EVALSHA finish")
	if status := header.Get("Cache-Status"); !strings.HasPrefix(status, "origin, redis; fwd=uri-miss; stored") ||
		first.One(t, route).Attributes["shop.cache_status"] != status {
		t.Errorf("Cache-Status is %q, the trace\n%s", status, first)
	}
	proxy, server := first.One(t, "proxy"), first.One(t, route)
	if proxy.Parent != someParent || proxy.Start.After(server.Start) || proxy.End.Before(server.End) {
		t.Errorf("the proxy's span is not around the API's, below the caller's: %+v, %+v", proxy, server)
	}
	for name, want := range map[string]string{
		"service.name": "shop", "deployment.environment.name": "test", "service.instance.id": header.Get("X-Served-By"),
	} {
		if got := server.Resource[name]; got != want {
			t.Errorf("the resource's %s is %q, want %q", name, got, want)
		}
	}
	if got := s.receiver.Headers()[0].Get("X-Key"); got != "secret" {
		t.Errorf("the receiver got the header X-Key %q", got)
	}
	query := first.One(t, "SELECT product")
	for name, want := range map[string]string{
		"db.system.name": "mariadb", "db.operation.name": "SELECT", "db.collection.name": "product",
	} {
		if got := query.Attributes[name]; got != want {
			t.Errorf("the statement's %s is %q, want %q", name, got, want)
		}
	}
	if got := first.One(t, "EVALSHA acquire").Attributes["db.system.name"]; got != "redis" {
		t.Errorf("the database of a script is %q", got)
	}

	filler := header.Get("X-Served-By")
	for i, r := range s.replicas {
		trace := traceNumber(10 + i)
		header := s.call("GET", r.URL+"/api/products/1", "", trace)
		got := s.receiver.Await(t, trace, otlptest.Has(route))
		status := header.Get("Cache-Status")
		switch near := len(got) == 1; {
		case near != (header.Get("X-Served-By") == filler), near != strings.HasPrefix(status, "near; hit"):
			t.Errorf("Cache-Status is %q, the trace\n%s", status, got)
		case !near:
			wantPaths(t, got, route+" > GET")
			if outcome := got.One(t, "GET").Attributes["cache.outcome"]; outcome != "hit" ||
				!strings.Contains(status, "redis; hit") {
				t.Errorf("Cache-Status is %q, the lookup's outcome %q", status, outcome)
			}
		}
	}

	s.call("PUT", s.proxy.URL+"/api/products/1", `{"name":"Zebra"}`, traceNumber(2))
	const put = "proxy > PUT /api/products/:id<int>"
	write := s.receiver.Await(t, traceNumber(2), otlptest.Has("proxy", "BEGIN", "COMMIT", "EVALSHA invalidate",
		"cache acknowledge"))
	wantPaths(t, write, put+" > BEGIN", put+" > UPDATE product", put+" > COMMIT",
		put+" > cache settle > EVALSHA invalidate",
		put+" > cache settle > cache acknowledge", put+" > INSERT woody_outbox")
	heard := write.One(t, "cache acknowledge")
	if heard.Attributes["cache.members"] != "2" || heard.Attributes["cache.missing"] != "0" {
		t.Errorf("the acknowledgement is %v, want that of 2 members", heard.Attributes)
	}
	if heard.Start.Before(write.One(t, "COMMIT").End) ||
		heard.End.After(write.One(t, "PUT /api/products/:id<int>").End) {
		t.Errorf("the acknowledgements are not between the commit and the answer:\n%s", write)
	}

	s.call("POST", s.proxy.URL+"/api/products", `{"name":"Yak"}`, traceNumber(3))
	added := s.receiver.Await(t, traceNumber(3), otlptest.Has("proxy", "cache settle", "cache acknowledge"))
	wantPaths(t, added, "proxy > POST /api/products > INSERT product", "proxy > POST /api/products > cache settle")

	s.call("GET", s.proxy.URL+"/api/ping", "", "")
	line := awaitLine(t, s.proxy.Log, `"uri":"\/api\/ping"`)
	trace := regexp.MustCompile(`"trace":"([0-9a-f]{32})"`).FindStringSubmatch(line)
	if trace == nil {
		t.Fatalf("the proxy began no trace: %s", line)
	}
	begun := s.receiver.Await(t, trace[1], otlptest.Has("proxy", "GET /api/ping"))
	if root := begun.One(t, "proxy"); root.Parent != "" {
		t.Errorf("a trace that the proxy began has a parent: %+v", root)
	}
}

// awaitLine waits until a log has a line with this text in it, and returns the last one. A proxy writes it when it has
// passed the answer on, and a worker when its span has ended.
func awaitLine(t *testing.T, log func() string, text string) (found string) {
	t.Helper()
	await(t, "a line has "+text, func() bool {
		for line := range strings.Lines(log()) {
			if strings.Contains(line, text) && strings.HasSuffix(line, "\n") {
				found = line
			}
		}
		return found != ""
	})
	return found
}

// TestWaitersLinkToOneFill checks that of many who ask for a cold key at once one fills, and that the spans of all who
// waited are linked to its span.
func TestWaitersLinkToOneFill(t *testing.T) {
	t.Parallel()
	s := mustTrace(t, "WOODY_HEAVY_DELAY=2s")
	const callers = 20
	collapsed := make([]bool, callers)
	var asking sync.WaitGroup
	for i := range callers {
		asking.Go(func() {
			header := s.call("GET", s.replicas[0].URL+"/api/misc/heavy?name=x", "", traceNumber(100+i))
			collapsed[i] = strings.Contains(header.Get("Cache-Status"), "collapsed")
		})
	}
	asking.Wait()
	const route = "GET /api/misc/heavy"
	fills, links := map[string]bool{}, map[string]int{}
	waited := 0
	for i := range callers {
		got := s.receiver.Await(t, traceNumber(100+i), func(tr otlptest.Trace) string {
			if len(tr.Named(route)) == 1 && collapsed[i] == (len(tr.Named("cache wait")) == 1) {
				return ""
			}
			return route
		})
		for _, fill := range got.Named("cache fill") {
			fills[fill.ID] = true
		}
		for _, wait := range got.Named("cache wait") {
			waited++
			for _, link := range wait.Links {
				links[link]++
			}
		}
	}
	if len(fills) != 1 || waited == 0 || len(links) != 1 {
		t.Fatalf("%d fills, and %d who waited are linked to %v", len(fills), waited, links)
	}
	for link, n := range links {
		if !fills[link] || n != waited {
			t.Errorf("%d of %d are linked to the fill", n, waited)
		}
	}
}

// TestOrdersJoin places an order, and finds its request's id and trace with the worker who ends it, maybe on the other
// replica: as a link of its trace, and in the lines of the proxy, the API and the worker.
func TestOrdersJoin(t *testing.T) {
	t.Parallel()
	s := mustTrace(t)
	header := s.call("GET", s.proxy.URL+"/api/orders/do?order=Yoyo", "", someTrace)
	id := header.Get("X-Request-Id")
	placed := s.receiver.Await(t, someTrace, otlptest.Has("proxy", "GET /api/orders/do"))
	var processed otlptest.Span
	for processed.Name == "" {
		for _, span := range s.receiver.Spans() {
			if span.Name == "process order" {
				processed = span
			}
		}
		if processed.Name == "" {
			// a ping is a span, and wakes no worker
			mustAwait(t, s.replicas[0].URL+"/api/ping", http.StatusOK, "healthy")
		}
	}
	if want := placed.One(t, "GET /api/orders/do").ID; !slices.Equal(processed.Links, []string{want}) ||
		processed.Parent != "" ||
		processed.Attributes["shop.request.id"] != id {
		t.Errorf("the order was processed by %+v, want a link to %s", processed, want)
	}
	s.receiver.Await(t, processed.Trace, otlptest.Has("process order", "UPDATE order", "cache settle",
		"cache acknowledge"))
	both := func() string { return s.replicas[0].Log() + s.replicas[1].Log() }
	for who, line := range map[string]string{
		"proxy":  awaitLine(t, s.proxy.Log, `\/api\/orders\/do?order=Yoyo`),
		"api":    awaitLine(t, both, `"path":"/api/orders/do"`),
		"worker": awaitLine(t, both, "order validated"),
	} {
		if !strings.Contains(line, `"request":"`+id+`"`) || !strings.Contains(line, `"trace":"`+someTrace+`"`) {
			t.Errorf("the line of the %s does not name request %s and trace %s: %s", who, id, someTrace, line)
		}
	}
}
