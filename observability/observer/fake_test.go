package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// fakeShop is a replica that misbehaves in ways that a real one does not on demand. It serves both ports on one.
type fakeShop struct {
	*httptest.Server
	reads, writes atomic.Int64
	names         sync.Map // the probes that were written

	mu      sync.Mutex
	version int64
	behind  int64 // how many versions behind its reads are
	lose    bool  // writes are carried out, and their answers lost
	body    string
	status  int
}

func mustStartFake(t *testing.T) *fakeShop {
	s := &fakeShop{status: http.StatusOK}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// with changes how it behaves.
func (s *fakeShop) with(change func(s *fakeShop)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

func (s *fakeShop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, name, _ := strings.Cut(r.URL.Path, "probes/")
	version := s.version - s.behind
	if r.Method == http.MethodPut {
		s.writes.Add(1)
		s.names.Store(name, true)
		s.version++
		version = s.version
		if s.lose {
			panic(http.ErrAbortHandler)
		}
	} else {
		s.reads.Add(1)
	}
	w.Header().Set("X-Request-Id", r.Header.Get("X-Request-Id"))
	w.WriteHeader(s.status)
	if s.body != "" {
		fmt.Fprint(w, s.body)
		return
	}
	fmt.Fprintf(w, `{"name":%q,"version":%d}`, name, version)
}

// newWatcher returns an observer of a fake replica, which is the proxy too. It does nothing by itself.
func newWatcher(t *testing.T, s *fakeShop, rate int) *watcher {
	t.Helper()
	addr := s.Listener.Addr().(*net.TCPAddr)
	logged := &output{}
	o := newObserver(config{API: addr.String(), AdminPort: addr.Port, Proxy: s.URL, Rate: rate},
		slog.New(slog.NewTextHandler(logged, nil)), logged)
	o.proxy.within, o.replicas.within = patient, patient
	o.find(t.Context())
	return &watcher{observer: o, t: t, logged: logged}
}

func (w *watcher) want(name, path string, want float64) {
	w.t.Helper()
	if got := w.value(name, path); got != want {
		w.t.Errorf("%s of %q is %v, want %v", name, path, got, want)
	}
}

// TestAWriteOfUnknownOutcome loses the response to a write. It checks that neither what was acknowledged before nor
// what the write may have made counts as stale, and that the next acknowledged write raises the floor.
func TestAWriteOfUnknownOutcome(t *testing.T) {
	s := mustStartFake(t)
	w := newWatcher(t, s, 20)
	w.round(t.Context(), 0)
	s.with(func(s *fakeShop) { s.lose = true })
	w.round(t.Context(), 1)
	w.want("write_failures_total", "", 1)
	s.with(func(s *fakeShop) { s.lose = false })
	for _, behind := range []int64{0, 1} {
		s.with(func(s *fakeShop) { s.behind = behind })
		if _, ok := w.readOnce(t.Context(), w.proxy, w.probe.Load()); !ok {
			t.Error("the read failed")
		}
		w.wantNoneStale()
	}
	s.with(func(s *fakeShop) { s.behind = 0 })
	w.round(t.Context(), 2)
	s.with(func(s *fakeShop) { s.behind = 1 })
	w.readOnce(t.Context(), w.proxy, w.probe.Load())
	w.want("stale_total", viaProxy, 1)
	w.want("stale_total", viaReplica, 0)
	w.want("writes_total", "", 3)
}

// TestAReadThatBeganBeforeMayBeOld checks that what counts is what was acknowledged when the read began, not when it
// ended.
func TestAReadThatBeganBeforeMayBeOld(t *testing.T) {
	s := mustStartFake(t)
	w := newWatcher(t, s, 20)
	w.round(t.Context(), 0)
	p := w.probe.Load()
	s.mu.Lock() // the read is on its way, and gets its answer when the write has been acknowledged
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.readOnce(t.Context(), w.proxy, p)
	}()
	for w.requests.Load() < 4 { // a write, two reads, and this one: it has noted what was acknowledged
		time.Sleep(time.Millisecond)
	}
	p.acknowledge(2, time.Now())
	s.mu.Unlock()
	<-done
	w.wantNoneStale()
	w.readOnce(t.Context(), w.proxy, p)
	w.want("stale_total", viaProxy, 1)
}

// TestADatabaseThatWentBack checks that lost writes are counted as such once, and that another probe is taken.
func TestADatabaseThatWentBack(t *testing.T) {
	s := mustStartFake(t)
	w := newWatcher(t, s, 20)
	for n := range 3 {
		w.round(t.Context(), n)
	}
	before := w.probe.Load()
	s.with(func(s *fakeShop) { s.version = 1 })
	for n := range 3 {
		w.round(t.Context(), n)
	}
	w.want("lost_total", "", 1)
	w.want("stale_total", viaReplica, 0)
	if now := w.probe.Load(); now == before || now.item.Floor().Version != 4 {
		t.Errorf("probe %s with %v, want another one than %s, with version 4", now.name, now.item.Floor(), before.name)
	}
	if !strings.Contains(w.logged.String(), "lost writes") {
		t.Error("the log does not say that writes are lost")
	}
}

// TestAProbeThatWasNotWrittenForLong checks that such a probe is given up: the shop may have forgotten it, so that no
// answer of it is stale.
func TestAProbeThatWasNotWrittenForLong(t *testing.T) {
	s := mustStartFake(t)
	w := newWatcher(t, s, 20)
	w.round(t.Context(), 0)
	p := w.probe.Load()
	p.mu.Lock()
	p.writes[0].at = time.Now().Add(-probeTrusted)
	p.mu.Unlock()
	s.with(func(s *fakeShop) { s.behind = 1 })
	if _, ok := w.readOnce(t.Context(), w.proxy, p); ok {
		t.Error("an answer is held against a probe that may be forgotten")
	}
	s.with(func(s *fakeShop) { s.version, s.behind = 0, 0 })
	w.round(t.Context(), 1)
	w.wantNoneStale()
	if now := w.probe.Load(); now == p || !now.trusted() {
		t.Error("the probe is still in use")
	}
}

// TestWhatIsNoAnswer checks that it is counted as a failure, and as nothing else.
func TestWhatIsNoAnswer(t *testing.T) {
	s := mustStartFake(t)
	w := newWatcher(t, s, 20)
	w.round(t.Context(), 0)
	w.want("checked_total", viaProxy, 1)
	for i, row := range []struct {
		status int
		body   string
	}{
		{404, `{"type":"about:blank","title":"Not Found","status":404,"detail":"as a release without probes"}`},
		{503, ""}, {504, ""}, {200, "alive"}, {200, `{"name":"another","version":1}`},
		{200, `{"version":1}`}, {302, ""},
		{200, `{"name":"` + strings.Repeat("x", 2*responseMax) + `"}`},
	} {
		s.with(func(s *fakeShop) { s.status, s.body, s.version = row.status, row.body, 0 })
		if _, ok := w.readOnce(t.Context(), w.proxy, w.probe.Load()); ok {
			t.Errorf("%d %q is an answer", row.status, row.body)
		}
		w.want("read_failures_total", viaProxy, float64(i)+1)
	}
	w.want("checked_total", viaProxy, 1)
	w.wantNoneStale()
	if got := strings.Count(w.logged.String(), "reads fail"); got != 1 {
		t.Errorf("the log says %d times that reads fail, want once", got)
	}
}

// TestTheLoadIsBounded counts what an observer sends, of a shop that is well and of one whose every answer is stale.
func TestTheLoadIsBounded(t *testing.T) {
	const rate, long = 50, 3 * time.Second
	for name, behind := range map[string]int64{"well": 0, "stale": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := mustStartFake(t)
			s.behind = behind
			w := newWatcher(t, s, rate)
			ctx, cancel := context.WithCancel(t.Context())
			ended, began := make(chan struct{}), time.Now()
			go func() {
				defer close(ended)
				w.run(ctx)
			}()
			time.Sleep(long)
			w.await("there is a read", func() bool { return s.reads.Load() > 0 })
			reads, writes := float64(s.reads.Load()), float64(s.writes.Load())
			took := time.Since(began).Seconds()
			cancel()
			<-ended
			ways := 2.0
			if most := rate*took + ways; reads > most { // the last round's reads come before its pause
				t.Errorf("%v reads in %v s, want at most %v", reads, took, most)
			}
			if most := rate/10*took + 1; writes > most {
				t.Errorf("%v writes in %v s, want at most %v", writes, took, most)
			}
		})
	}
}

// TestRoundsArePaced checks that the reads after writes take half of the rate, however many replicas there are.
func TestRoundsArePaced(t *testing.T) {
	o := &observer{rate: 20}
	const least = 500 * time.Millisecond
	for reads, want := range map[int]time.Duration{0: least, 4: least, 50: 5 * time.Second} {
		if got := o.roundTakes(reads); got != want {
			t.Errorf("a round of %d reads takes %v, want %v", reads, got, want)
		}
	}
}

// TestFindingsAreBounded checks that ten findings are logged in a minute, and that the next one says how many were left
// out.
func TestFindingsAreBounded(t *testing.T) {
	f := newFindings(&output{})
	now := time.Now()
	logged := 0
	for range 100 {
		if _, ok := f.admit(now); ok {
			logged++
		}
	}
	if logged != findingsPerMinute {
		t.Errorf("%d of 100 in a minute are logged, want %d", logged, findingsPerMinute)
	}
	if leftOut, ok := f.admit(now.Add(time.Minute)); !ok || leftOut != 100-findingsPerMinute {
		t.Errorf("the first of the next minute: %t, %d left out before; want it, and %d",
			ok, leftOut, 100-findingsPerMinute)
	}
}
