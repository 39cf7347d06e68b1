package cdn_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// rule is one thing that a shared cache must or may do, played through the edge against an origin that does as it is
// told.
type rule struct {
	name  string // begins with where the rule is from
	steps []step
}

// step is one request of a client, and the origin's response if the edge asks it meanwhile.
type step struct {
	after time.Duration // to wait before
	// atLast has it asked again and again until the body is as wanted: the edge goes on behind its answers.
	atLast bool
	method string   // default GET
	send   []string // request headers: name, value, …

	origin *reply   // nil: the origin must not be asked; else it must be asked once
	sees   []string // what must stand in the origin's request: name, value, …; as in want
	many   bool     // the origin may be asked more than once

	status int      // default 200
	body   string   // of the response
	want   []string // answer headers: name, value, …; see fits
}

// reply is the origin's response.
type reply struct {
	status int // default 200
	body   string
	header []string
	slow   time.Duration // before it sends anything
	until  chan bool     // it is slow until this is closed; nil for nothing
	cut    bool          // the connection ends in the middle of the body
	gone   bool          // the connection ends without a response
}

// fits reports whether a header's value is as wanted: "" is none at all, "~x" holds x, "!x" does not, ">7" is a number
// of 7 or more, "<7" one below 7, and all else is the value itself.
func fits(got, want string) bool {
	if want == "" {
		return got == ""
	}
	number, err := strconv.Atoi(got)
	limit, _ := strconv.Atoi(want[1:])
	switch want[0] {
	case '~':
		return strings.Contains(got, want[1:])
	case '!':
		return !strings.Contains(got, want[1:])
	case '>':
		return err == nil && number >= limit
	case '<':
		return err == nil && number < limit
	}
	return got == want
}

// stage is the origin: it plays one script per path.
type stage struct {
	addr    string
	unwell  atomic.Int64 // how many health checks more are to fail; below zero none
	checked atomic.Int64 // how often its health was asked for
	hangs   atomic.Bool  // health checks get no response
	mu      sync.Mutex
	scripts map[string]*script
}

// script is how the fake origin responds on one path.
type script struct {
	mu    sync.Mutex
	reply *reply        // nil: no request is expected
	seen  []http.Header // of each request, with its method
}

func mustStartStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{scripts: map[string]*script{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.addr = server.Listener.Addr().String()
	return s
}

// script returns the script of a path, which is an empty one at first.
func (s *stage) script(path string) *script {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.scripts[path] == nil {
		s.scripts[path] = &script{}
	}
	return s.scripts[path]
}

func (s *stage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/readyz" {
		if s.hangs.Load() {
			<-r.Context().Done() // until the edge has had enough
			return
		}
		if s.unwell.Add(-1) >= 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		s.checked.Add(1)
		return
	}
	script := s.script(r.URL.Path)
	script.mu.Lock()
	seen := r.Header.Clone()
	seen.Set("Method", r.Method)
	script.seen = append(script.seen, seen)
	reply := script.reply
	script.mu.Unlock()
	if reply == nil {
		http.Error(w, "nobody was to ask this", http.StatusTeapot)
		return
	}
	reply.say(w)
}

func (r reply) say(w http.ResponseWriter) {
	if r.until != nil {
		<-r.until
	}
	time.Sleep(r.slow)
	if r.gone {
		panic(http.ErrAbortHandler)
	}
	for i := 0; i < len(r.header); i += 2 {
		w.Header().Add(r.header[i], r.header[i+1])
	}
	size := len(r.body)
	if r.cut {
		size++
	}
	if r.status != http.StatusNotModified && r.status != http.StatusNoContent {
		w.Header().Set("Content-Length", strconv.Itoa(size))
	}
	w.WriteHeader(max(r.status, http.StatusOK))
	fmt.Fprint(w, r.body)
	if r.cut {
		panic(http.ErrAbortHandler)
	}
}

// expect sets the responses from now on.
func (s *script) expect(r *reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reply = r
}

// requests returns the headers of the requests so far, each with its method as a field.
func (s *script) requests() []http.Header {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen)
}

// mustAwaitRequests waits until there were n requests: a copy is revalidated behind the response.
func (s *script) mustAwaitRequests(t *testing.T, n int) {
	t.Helper()
	for deadline := time.Now().Add(servers.Patience); len(s.requests()) < n; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the origin was asked %d times, want %d", len(s.requests()), n)
		}
	}
}

// TestRules checks every rule of RFC 9111 in the table, all at once: most of the time is spent waiting until something
// is stale.
func TestRules(t *testing.T) {
	t.Parallel()
	stage := mustStartStage(t)
	edge := mustStartEdge(t, []string{stage.addr})
	all := slices.Concat(freshness, storing, varying, validating, ranges, staleness, ours)
	if len(all) < 40 {
		t.Errorf("%d rules, want 40 at least", len(all))
	}
	var group sync.WaitGroup
	for i, rule := range all {
		group.Go(func() { // t.Parallel lets no more go at once than there are processors
			t.Run(rule.name, func(t *testing.T) {
				rule.play(t, stage, edge.URL, fmt.Sprintf("/assets/rule-%d.txt", i))
			})
		})
	}
	group.Wait()
}

func (r rule) play(t *testing.T, stage *stage, edge, path string) {
	script := stage.script(path)
	for i, step := range r.steps {
		time.Sleep(step.after)
		before := len(script.requests())
		script.expect(step.origin)
		method := step.method
		if method == "" {
			method = http.MethodGet
		}
		got, err := ask(method, edge+path, step.send...)
		for deadline := time.Now().Add(servers.Patience); step.atLast && err == nil && string(got.body) != step.body &&
			time.Now().Before(deadline); {
			time.Sleep(100 * time.Millisecond)
			got, err = ask(method, edge+path, step.send...)
		}
		if err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
		step.check(t, i, got)
		wanted := 0
		if step.origin != nil {
			wanted = 1
		}
		script.mustAwaitRequests(t, before+wanted)
		asked := script.requests()[before:]
		if len(asked) != wanted && !step.many {
			t.Errorf("step %d: the origin was asked %d times, want %d", i, len(asked), wanted)
		}
		for _, request := range asked {
			checkHeaders(t, i, "the origin sees", request, step.sees)
		}
	}
}

func (s step) check(t *testing.T, i int, got response) {
	t.Helper()
	if want := max(s.status, http.StatusOK); got.status != want {
		t.Errorf("step %d: status = %d, want %d", i, got.status, want)
	}
	if string(got.body) != s.body {
		t.Errorf("step %d: body = %q, want %q", i, got.body, s.body)
	}
	checkHeaders(t, i, "the answer has", got.header, s.want)
}

func checkHeaders(t *testing.T, i int, who string, got http.Header, want []string) {
	t.Helper()
	for n := 0; n < len(want); n += 2 {
		if value := strings.Join(got.Values(want[n]), ", "); !fits(value, want[n+1]) {
			t.Errorf("step %d: %s %s %q, want %q", i, who, want[n], value, want[n+1])
		}
	}
}
