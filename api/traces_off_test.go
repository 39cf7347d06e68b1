package main

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/woodytoys/woodytoys/internal/otlptest"
)

// mustOpen is a shop on SQLite in this process, which answers by its handler alone.
func mustOpen(t *testing.T, args ...string) (p *program, ask func(path string, fields ...string) *fasthttp.Response) {
	t.Helper()
	args = append([]string{"--addr=127.0.0.1:0", "--admin-addr=off", "--front=off", "--data-dir=" + t.TempDir(),
		"--slow-query-delay=0s", "--heavy-delay=0s"}, args...)
	cfg, _, err := parseConfig(args, io.Discard, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if p, err = start(cfg, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	if err := p.migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.health.Start()
	p.api.App().Handler() // which readies the routes
	handler := p.api.App().Server().Handler
	return p, func(path string, fields ...string) *fasthttp.Response {
		ctx := &fasthttp.RequestCtx{}
		ctx.Request.SetRequestURI(path)
		ctx.Request.Header.SetHost("shop")
		for _, field := range fields {
			name, value, _ := strings.Cut(field, ": ")
			ctx.Request.Header.Add(name, value)
		}
		handler(ctx)
		return &ctx.Response
	}
}

// endSlowly has a shop's end take as long as its last traces need, on a machine that is busy with others.
func (p *program) endSlowly() { p.until, p.flushMost = time.Now().Add(time.Hour), time.Minute }

// mustCountSeries returns how many series a shop's metrics have.
func mustCountSeries(t *testing.T, p *program) (n int) {
	t.Helper()
	families, err := p.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		n += len(family.Metric)
	}
	return n
}

// TestTracingIsAbsentWhenOff checks that without an endpoint for traces a request passes no handler more, and makes no
// allocation more.
func TestTracingIsAbsentWhenOff(t *testing.T) {
	handlers, hits := map[bool]uint32{}, map[bool]float64{}
	for _, on := range []bool{false, true} {
		var args []string
		if on {
			args = append(args, "--otlp-endpoint="+otlptest.MustStart(t).URL)
		}
		p, ask := mustOpen(t, args...)
		if (p.tracing != nil) != on {
			t.Fatalf("with the endpoint %q tracing is %v", p.cfg.OTLPEndpoint, p.tracing)
		}
		handlers[on] = p.api.App().HandlersCount()
		ask("/api/products/1")
		hits[on] = testing.AllocsPerRun(200, func() {
			if got := ask("/api/products/1").Header.Peek("Cache-Status"); !strings.HasPrefix(string(got), "near; hit") {
				t.Fatalf("not a hit: %s", got)
			}
		})
	}
	if handlers[true] <= handlers[false] || hits[true] <= hits[false] {
		t.Errorf("off there are %d handlers and %v allocations, on %d and %v; want fewer off",
			handlers[false], hits[false], handlers[true], hits[true])
	}
	t.Logf("a near hit: %v allocations without tracing, %v with", hits[false], hits[true])
}

// TestTracesAddNoSeries checks that 10,000 requests of as many traces add no series to the metrics.
func TestTracesAddNoSeries(t *testing.T) {
	p, ask := mustOpen(t, "--otlp-endpoint="+otlptest.MustStart(t).URL)
	ask("/api/products/1", "Traceparent: 00-"+traceNumber(1)+"-"+someParent+"-01")
	before := mustCountSeries(t, p)
	for i := range 10_000 {
		ask("/api/products/1", "Traceparent: 00-"+traceNumber(i+1)+"-"+someParent+"-01")
	}
	if after := mustCountSeries(t, p); after != before {
		t.Errorf("%d series became %d", before, after)
	}
}

// TestStrangeTraceFieldsAreIgnored sends what is no traceparent, and others' tracestate of all sizes: each request is
// answered, and has a trace of its own.
func TestStrangeTraceFieldsAreIgnored(t *testing.T) {
	receiver := otlptest.MustStart(t)
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
	_, ask := mustOpen(t, "--otlp-endpoint="+receiver.URL)
	const good = "Traceparent: 00-" + someTrace + "-" + someParent + "-01"
	theProxys := strings.Replace(good, someParent, "00000000000000aa", 1)
	now := func(d time.Duration) string {
		return fmt.Sprintf("X-Request-Start: t=%d", time.Now().Add(d).UnixMicro())
	}
	for name, row := range map[string]struct {
		joins  bool // the client's trace
		proxy  bool // there is a span of the proxy's
		fields []string
	}{
		"none":                   {false, false, nil},
		"good":                   {true, false, []string{good}},
		"by the proxy":           {true, true, []string{good, now(-time.Second)}},
		"made by the proxy":      {true, true, []string{theProxys, now(-time.Second) + "; root"}},
		"from the proxy's later": {true, true, []string{good, now(time.Second)}},
		"from long ago":          {true, false, []string{good, now(-time.Hour)}},
		"from no time":           {true, false, []string{good, "X-Request-Start: t=soon"}},
		"twice":                  {false, false, []string{good, good}},
		"nonsense":               {false, false, []string{"Traceparent: nonsense"}},
		"huge":                   {false, false, []string{"Traceparent: 00-" + strings.Repeat("a", 100_000)}},
		"huge state":             {true, false, []string{good, "Tracestate: a=" + strings.Repeat("b", 100_000)}},
		"broken state":           {true, false, []string{good, "Tracestate: ,,,=;"}},
		"zeros": {false, false, []string{
			"Traceparent: 00-" + traceNumber(0) + "-" + someParent + "-01",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			response, next := ask("/api/ping", row.fields...), ask("/api/ping")
			if response.StatusCode() != http.StatusOK {
				t.Fatalf("answered %d", response.StatusCode())
			}
			mustFindRequest(t, receiver, next) // spans come in the order of their ends: all of the first are here
			got := mustFindRequest(t, receiver, response)
			var names []string
			for _, span := range receiver.Spans() {
				if span.ID == got.Parent {
					names = append(names, span.Name)
				}
			}
			if joins, proxy := got.Trace == someTrace, len(names) == 1 && names[0] == "proxy"; joins != row.joins ||
				proxy != row.proxy {
				t.Errorf("the span is %+v below %v; want the client's trace: %v, the proxy's span: %v", got, names,
					row.joins, row.proxy)
			}
		})
	}
}

// mustFindRequest waits for the span of an answered request. What ends behind it, as the proxy's, may still be coming.
func mustFindRequest(t *testing.T, receiver *otlptest.Receiver, response *fasthttp.Response) (found otlptest.Span) {
	t.Helper()
	id := string(response.Header.Peek("X-Request-Id"))
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		for _, span := range receiver.Spans() {
			if span.Attributes["shop.request.id"] == id && span.Attributes["http.request.method"] != "" {
				found = span
			}
		}
		if found.ID != "" {
			return found
		}
	}
	t.Fatalf("no span of the request %s", id)
	return found
}

// TestAReceiverThatHangsCostsNothing sends spans to a receiver that never responds. It checks that requests are served
// as ever, that what does not fit in the queue is dropped and counted, and that the process ends in its time.
func TestAReceiverThatHangsCostsNothing(t *testing.T) {
	url, came := otlptest.MustHang(t)
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
	t.Setenv("OTEL_BSP_MAX_QUEUE_SIZE", "10")
	p, ask := mustOpen(t, "--otlp-endpoint="+url)
	ask("/api/ping")
	<-came // it hangs now
	for range 1000 {
		if got := ask("/api/ping").StatusCode(); got != http.StatusOK {
			t.Fatalf("answered %d", got)
		}
	}
	families, err := p.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]float64{}
	for _, family := range families {
		if family.GetName() == "woody_trace_spans_total" {
			for _, m := range family.Metric {
				counts[m.Label[0].GetValue()] = m.Counter.GetValue()
			}
		}
	}
	if counts["dropped"] < 1000-10 || counts["exported"] != 0 || len(counts) != 3 {
		t.Errorf("of 1,000 spans, for which the queue has 10 places, are %v", counts)
	}
	began := time.Now()
	p.Close()
	if took := time.Since(began); took > flushMost+10*time.Second {
		t.Errorf("the end took %v", took)
	}
}

// TestTheEndSendsWhatWaits checks that spans which wait in the queue are sent when the shop ends.
func TestTheEndSendsWhatWaits(t *testing.T) {
	receiver := otlptest.MustStart(t)
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "3600000")
	p, ask := mustOpen(t, "--otlp-endpoint="+receiver.URL)
	ask("/api/ping")
	if n := len(receiver.Spans()); n != 0 {
		t.Fatalf("%d spans came before their time", n)
	}
	p.endSlowly()
	p.Close()
	if n := len(receiver.Spans()); n != 1 {
		t.Errorf("%d spans came by the end, want 1", n)
	}
}

// TestSamplersAreHonoured checks that the sampler's setting leaves out traces, also those that the proxy began, but not
// those that a caller samples.
func TestSamplersAreHonoured(t *testing.T) {
	receiver := otlptest.MustStart(t)
	t.Setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
	t.Setenv("OTEL_TRACES_SAMPLER_ARG", "0")
	p, ask := mustOpen(t, "--otlp-endpoint="+receiver.URL)
	parent := func(flags string) string { return "Traceparent: 00-" + someTrace + "-" + someParent + "-" + flags }
	start := fmt.Sprintf("X-Request-Start: t=%d", time.Now().UnixMicro())
	ask("/api/ping")
	ask("/api/ping", parent("00"), start+"; root")
	ask("/api/ping", parent("00"), start)
	ask("/api/products/1", parent("01"), start)
	p.endSlowly()
	p.Close()
	for _, span := range receiver.Spans() {
		if span.Name == "GET /api/ping" {
			t.Errorf("a trace was sent that the sampler leaves out: %+v", span)
		}
	}
	if len(receiver.Spans()) == 0 {
		t.Error("a trace was left out that its caller follows")
	}
}
