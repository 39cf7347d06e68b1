// Package otlptest receives traces in tests, by OTLP over HTTP.
package otlptest

import (
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Span is a span that was received.
type Span struct {
	Trace, ID, Parent string // in hexadecimal; Parent is empty of a root
	Name              string
	Kind              traces.Span_SpanKind
	Links             []string // the ids of the spans that it is linked to
	Attributes        map[string]string
	Resource          map[string]string
	Start, End        time.Time
	Failed            bool
}

// Receiver takes traces.
type Receiver struct {
	// URL is what OTEL_EXPORTER_OTLP_ENDPOINT is to be.
	URL string

	t       testing.TB
	mu      sync.Mutex
	spans   []Span
	arrived chan struct{} // closed, and made anew, with each request
	headers []http.Header
}

// MustStart starts a receiver that ends with the test.
func MustStart(t testing.TB) *Receiver {
	r := &Receiver{t: t, arrived: make(chan struct{})}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.URL = server.URL
	return r
}

// MustHang starts a receiver that takes connections and never answers. It returns its URL, and a channel that has a
// value for each request that came.
func MustHang(t testing.TB) (url string, came <-chan struct{}) {
	requests, done := make(chan struct{}, 1000), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		requests <- struct{}{}
		select {
		case <-r.Context().Done():
		case <-done:
		}
	}))
	t.Cleanup(func() {
		close(done)
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL, requests
}

// ServeHTTP implements http.Handler.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	var sent collector.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(body, &sent)
	}
	if err != nil || request.URL.Path != "/v1/traces" {
		r.t.Errorf("%s %s: not a request of OTLP: %v", request.Method, request.URL.Path, err)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.headers = append(r.headers, request.Header.Clone())
	for _, of := range sent.ResourceSpans {
		for _, scope := range of.ScopeSpans {
			for _, span := range scope.Spans {
				r.spans = append(r.spans, spanOf(span, of.Resource.Attributes))
			}
		}
	}
	close(r.arrived)
	r.arrived = make(chan struct{})
	response, _ := proto.Marshal(&collector.ExportTraceServiceResponse{})
	w.Header().Set("Content-Type", "application/x-protobuf")
	_, _ = w.Write(response)
}

func spanOf(sent *traces.Span, about []*common.KeyValue) Span {
	s := Span{
		Trace: hex.EncodeToString(sent.TraceId), ID: hex.EncodeToString(sent.SpanId),
		Parent: hex.EncodeToString(sent.ParentSpanId),
		Name:   sent.Name, Kind: sent.Kind, Attributes: textOf(sent.Attributes), Resource: textOf(about),
		Start: time.Unix(0, int64(sent.StartTimeUnixNano)), End: time.Unix(0, int64(sent.EndTimeUnixNano)),
		Failed: sent.Status.GetCode() == traces.Status_STATUS_CODE_ERROR,
	}
	for _, link := range sent.Links {
		s.Links = append(s.Links, hex.EncodeToString(link.SpanId))
	}
	return s
}

func textOf(attributes []*common.KeyValue) map[string]string {
	texts := map[string]string{}
	for _, a := range attributes {
		switch v := a.Value.Value.(type) {
		case *common.AnyValue_StringValue:
			texts[a.Key] = v.StringValue
		case *common.AnyValue_IntValue:
			texts[a.Key] = fmt.Sprint(v.IntValue)
		case *common.AnyValue_ArrayValue:
			var all []string
			for _, value := range v.ArrayValue.Values {
				all = append(all, value.GetStringValue())
			}
			texts[a.Key] = strings.Join(all, ", ")
		}
	}
	return texts
}

// Spans returns what has been received.
func (r *Receiver) Spans() []Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.spans)
}

// Headers returns the header of each request that has been received.
func (r *Receiver) Headers() []http.Header {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.headers)
}

// patience is how long a test waits for spans.
const patience = time.Minute

// Await returns the spans of a trace once they are as a test wants them, and fails the test when they never are; want
// says what is missing, or nothing.
func (r *Receiver) Await(t testing.TB, trace string, want func(Trace) (missing string)) Trace {
	t.Helper()
	timeout := time.After(patience)
	for {
		r.mu.Lock()
		arrived := r.arrived
		var got Trace
		for _, span := range r.spans {
			if span.Trace == trace {
				got = append(got, span)
			}
		}
		r.mu.Unlock()
		missing := want(got)
		if missing == "" {
			return got
		}
		select {
		case <-arrived:
		case <-timeout:
			t.Fatalf("trace %s: %s is missing of\n%s", trace, missing, got)
		}
	}
}

// Trace is the spans of one trace.
type Trace []Span

// Has returns a condition for Await: the first of the names of which a trace has no span, or "" where it has all.
func Has(names ...string) func(Trace) (missing string) {
	return func(t Trace) string {
		for _, name := range names {
			if len(t.Named(name)) == 0 {
				return name
			}
		}
		return ""
	}
}

// Named returns the spans of a name.
func (t Trace) Named(name string) (spans []Span) {
	for _, span := range t {
		if span.Name == name {
			spans = append(spans, span)
		}
	}
	return spans
}

// One returns the only span of a name; it fails the test where there are more or none.
func (t Trace) One(test testing.TB, name string) Span {
	test.Helper()
	spans := t.Named(name)
	if len(spans) != 1 {
		test.Fatalf("there are %d spans %q in\n%s", len(spans), name, t)
	}
	return spans[0]
}

// Path returns the names of a span and those above it, from the root on, as "proxy > GET /api/products > GET".
func (t Trace) Path(of Span) string {
	for _, span := range t {
		if span.ID == of.Parent {
			return t.Path(span) + " > " + of.Name
		}
	}
	return of.Name
}

// String returns the paths of all spans, a line each.
func (t Trace) String() string {
	var lines []string
	for _, span := range t {
		lines = append(lines, fmt.Sprintf("%s %v links=%v", t.Path(span), span.Attributes, span.Links))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
