package reverseproxy_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/programs"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// mustEcho starts a replica that is always ready, and responds to every request with its trace fields as JSON.
func mustEcho(t *testing.T) (addr string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fields := map[string][]string{}
		for _, name := range []string{"Traceparent", "Tracestate", "X-Request-Start"} {
			fields[name] = r.Header[name]
		}
		_ = json.NewEncoder(w).Encode(fields)
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// mustSee returns the trace fields that a replica sees of a request.
func mustSee(t *testing.T, url string, fields ...string) (traceparent, tracestate, start string) {
	t.Helper()
	got := mustGet(t, url, fields...)
	var seen map[string][]string
	if err := json.Unmarshal([]byte(got.body), &seen); err != nil {
		t.Fatalf("%d %s: %v", got.status, got.body, err)
	}
	one := func(name string) string {
		if len(seen[name]) > 1 {
			t.Errorf("the replica sees %d fields %s", len(seen[name]), name)
		}
		return strings.Join(seen[name], " AND ")
	}
	return one("Traceparent"), one("Tracestate"), one("X-Request-Start")
}

const theirs = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

var (
	made  = regexp.MustCompile(`^00-[0-9a-f]{32}-[0-9a-f]{16}-00$`)
	start = regexp.MustCompile(`^t=(\d{16})(; root)?$`)
)

// TestTracing checks that the proxy passes on a valid traceparent, and replaces a missing or invalid one by one of its
// own.
func TestTracing(t *testing.T) {
	t.Parallel()
	proxy := mustStart(t, programs.HAProxyConfig{API: []string{mustEcho(t)}, Tracing: true})
	url := proxy.URL + "/api/x"
	traceparent, tracestate, began := mustSee(t, url, "Traceparent: "+theirs, "Tracestate: a=1,b=2",
		"X-Request-Start: t=1")
	if traceparent != theirs || tracestate != "a=1,b=2" {
		t.Errorf("the client's own trace went on as %q, %q", traceparent, tracestate)
	}
	part := start.FindStringSubmatch(began)
	if part == nil || part[2] != "" {
		t.Fatalf("X-Request-Start is %q", began)
	}
	us, _ := strconv.ParseInt(part[1], 10, 64)
	if ago := time.Since(time.UnixMicro(us)); ago < -time.Second || ago > servers.Patience {
		t.Errorf("the request came %v ago: %s", ago, began)
	}
	for what, fields := range map[string][]string{
		"none":             nil,
		"an empty one":     {"Traceparent: "},
		"nonsense":         {"Traceparent: nonsense"},
		"capital letters":  {"Traceparent: " + strings.ToUpper(theirs)},
		"another version":  {"Traceparent: 01" + theirs[2:]},
		"the last version": {"Traceparent: ff" + theirs[2:]},
		"a zero trace":     {"Traceparent: 00-" + strings.Repeat("0", 32) + theirs[35:]},
		"a zero span":      {"Traceparent: " + theirs[:36] + strings.Repeat("0", 16) + "-01"},
		"one too long":     {"Traceparent: " + theirs + "-00"},
		"a huge one":       {"Traceparent: " + strings.Repeat("0", 5_000)},
		"two":              {"Traceparent: " + theirs, "Traceparent: " + theirs},
	} {
		traceparent, tracestate, began := mustSee(t, url, append(fields, "Tracestate: a=1")...)
		if !made.MatchString(traceparent) || tracestate != "" || !strings.HasSuffix(began, "; root") ||
			!start.MatchString(began) {
			t.Errorf("%s: the replica sees %q, %q, %q; want a trace that the proxy made", what, traceparent,
				tracestate, began)
		}
	}
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Traceparent", strings.Repeat("0", 100_000))
	// The proxy may end the connection while the rest is sent: then there is no response to read.
	if got, err := http.DefaultTransport.RoundTrip(request); err == nil {
		if got.Body.Close(); got.StatusCode != http.StatusBadRequest {
			t.Errorf("a header of 100 kB is answered %s, want 400 as any such", got.Status)
		}
	}
	if traceparent, _, _ := mustSee(t, url, "Traceparent: "+theirs); traceparent != theirs {
		t.Errorf("after that a trace goes on as %q", traceparent)
	}
}

// TestTraceIDsAreRandom checks that no digit of the trace ids that the proxy makes is fixed, as some of a UUID are,
// because samplers decide by those digits.
func TestTraceIDsAreRandom(t *testing.T) {
	t.Parallel()
	proxy := mustStart(t, programs.HAProxyConfig{API: []string{mustEcho(t)}, Tracing: true})
	seen := make([]map[byte]bool, len(theirs))
	for range 60 {
		traceparent, _, _ := mustSee(t, proxy.URL+"/api/x")
		for i := range traceparent {
			if seen[i] == nil {
				seen[i] = map[byte]bool{}
			}
			seen[i][traceparent[i]] = true
		}
	}
	for i, digits := range seen {
		if fixed := i < 3 || i == 35 || i > 51; !fixed && len(digits) < 8 { // of 16, in 60 draws
			t.Errorf("digit %d is always one of %d", i, len(digits))
		}
	}
}

// TestTracingIsOff checks that by default the proxy adds no trace and logs none, and passes on what a client sends as
// it is.
func TestTracingIsOff(t *testing.T) {
	t.Parallel()
	proxy := mustStart(t, programs.HAProxyConfig{API: []string{mustEcho(t)}})
	if traceparent, tracestate, began := mustSee(t, proxy.URL+"/api/x"); traceparent+tracestate+began != "" {
		t.Errorf("the replica sees %q, %q, %q", traceparent, tracestate, began)
	}
	if traceparent, _, _ := mustSee(t, proxy.URL+"/api/x", "Traceparent: "+theirs); traceparent != theirs {
		t.Errorf("the client's own went on as %q", traceparent)
	}
	if strings.Contains(proxy.Log(), "trace=") {
		t.Errorf("the log names traces: %s", proxy.Log())
	}
}

// TestLogLinesNameTheTrace checks that log lines in both formats name the request's id and trace, and that a JSON line
// is valid JSON whatever a client sends.
func TestLogLinesNameTheTrace(t *testing.T) {
	t.Parallel()
	api := mustEcho(t)
	text := mustStart(t, programs.HAProxyConfig{API: []string{api}, Tracing: true})
	mustGet(t, text.URL+"/api/x", "X-Request-Id: id-1", "Traceparent: "+theirs)
	mustAwaitLine(t, text, "request=id-1 trace="+theirs[3:35]+" ")

	proxy := mustStart(t, programs.HAProxyConfig{API: []string{api}, Tracing: true, JSONLog: true})
	targets := []string{`/api/x"y`, `/api/x\y`, `/api/"}{"a":"`, "/api/x?y=\\u0000", "/api/caf%c3%a9", "/api/plain"}
	for i, target := range targets {
		mustSendRaw(t, proxy,
			"GET "+target+" HTTP/1.1\r\nHost: shop\r\nX-Request-Id: id-"+fmt.Sprint(i)+"\r\nTraceparent: "+theirs+
				"\r\nConnection: close\r\n\r\n")
		line := mustAwaitLine(t, proxy, `"request":"id-`+fmt.Sprint(i)+`"`)
		var got map[string]any
		if err := json.Unmarshal([]byte(line), &got); err != nil || got["trace"] != theirs[3:35] ||
			got["uri"] != target ||
			got["method"] != "GET" || got["status"] != 200.0 {
			t.Errorf("the line of %s is %s: %v, %v", target, line, got, err)
		}
	}
}

// mustSendRaw sends a request as it is, and reads the response to its end.
func mustSendRaw(t *testing.T, proxy *programs.HAProxy, request string) {
	t.Helper()
	conn, err := net.Dial("tcp", proxy.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(conn); err != nil {
		t.Fatal(err)
	}
}

// mustAwaitLine returns the line of a proxy's log that has this text in it, once it is there.
func mustAwaitLine(t *testing.T, proxy *programs.HAProxy, text string) string {
	t.Helper()
	for end := time.Now().Add(servers.Patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		for line := range strings.Lines(proxy.Log()) {
			if strings.Contains(line, text) && strings.HasSuffix(line, "\n") {
				return line
			}
		}
	}
	t.Fatalf("no line has %s in\n%s", text, proxy.Log())
	return ""
}
