package audit

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
)

// fakeTable keeps entries in memory, and fails while it has an error.
type fakeTable struct {
	mu      sync.Mutex
	entries []Entry
	err     error
	tries   int
}

func (f *fakeTable) AddEntry(_ context.Context, e Entry) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tries++
	if f.err == nil {
		f.entries = append(f.entries, e)
	}
	return f.err
}

// fakeClock is a time that a test moves on.
type fakeClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

type recording struct {
	*Recorder
	table    *fakeTable
	stream   *bytes.Buffer
	registry *prometheus.Registry
	clock    *fakeClock
}

func mustRecord(t *testing.T) *recording {
	t.Helper()
	r := &recording{table: &fakeTable{}, stream: &bytes.Buffer{}, registry: prometheus.NewRegistry(),
		clock: &fakeClock{now: time.Date(2026, 11, 27, 7, 0, 0, 1000, time.UTC)}}
	var err error
	r.Recorder, err = New(Config{Table: r.table, Stream: r.stream, Registerer: r.registry, Now: r.clock.Now,
		Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// lines returns what the stream has.
func (r *recording) lines(t *testing.T) (lines []map[string]any) {
	t.Helper()
	for scanner := bufio.NewScanner(bytes.NewReader(r.stream.Bytes())); scanner.Scan(); {
		var line map[string]any
		if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
			t.Fatalf("%s: %v", scanner.Text(), err)
		}
		lines = append(lines, line)
	}
	return lines
}

func (r *recording) metric(t *testing.T, name string, label ...string) float64 {
	t.Helper()
	return count(t, r.registry, name, label...)
}

// count returns what a counter has, of one value of its label.
func count(t *testing.T, registry *prometheus.Registry, name string, label ...string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == name && (len(label) == 0 || m.GetLabel()[0].GetValue() == label[0]) {
				return m.GetCounter().GetValue()
			}
		}
	}
	t.Fatalf("there is no %s %q", name, label)
	return 0
}

func refusedFrom(from string) Entry {
	return Entry{Method: "GET", Route: "/api/orders/:id", From: from, Outcome: Refused, Status: 401, Request: "r"}
}

// TestEntriesAreInBoth checks that an entry is the same in the stream and in the table.
func TestEntriesAreInBoth(t *testing.T) {
	r := mustRecord(t)
	r.Record(t.Context(), Entry{Account: "a", Method: "POST", Route: "/api/products", Thing: "/api/products/7",
		From: "192.0.2.7", Outcome: Done, Status: 201, Request: "r-1"})
	lines := r.lines(t)
	if len(lines) != 1 || len(r.table.entries) != 1 {
		t.Fatalf("%d lines, %d rows, want one each", len(lines), len(r.table.entries))
	}
	row := r.table.entries[0]
	want := map[string]any{"audit": true, "time": "2026-11-27T07:00:00.000001Z", "id": row.ID, "account": "a",
		"method": "POST", "route": "/api/products", "thing": "/api/products/7", "from": "192.0.2.7", "outcome": "done",
		"status": 201.0, "request": "r-1"}
	for name, value := range want {
		if lines[0][name] != value {
			t.Errorf("%s is %v, want %v", name, lines[0][name], value)
		}
	}
	if len(lines[0]) != len(want) || row.Times != 1 || row.At != r.clock.now || row.Thing != "/api/products/7" {
		t.Errorf("%v, %+v", lines[0], row)
	}
}

// TestValuesAreBounded records values with line breaks, terminal escapes, invalid UTF-8 and huge lengths. It checks
// that each entry is one short line without control characters, and that every stored value is valid UTF-8 within its
// limit.
func TestValuesAreBounded(t *testing.T) {
	for _, text := range []string{
		"\n{\"audit\":true,\"outcome\":\"done\"}", "\x1b[2J\r\u202e", "\xff\xfe", strings.Repeat("\n", 5000),
		strings.Repeat("é", 5000), strings.Repeat("\U0001f3ba", 76), "\u2028", strings.Repeat("x", 1<<20),
	} {
		r := mustRecord(t)
		r.Record(t.Context(), Entry{Account: text, Method: text, Route: text, Thing: text, From: text, Request: text,
			Outcome: Done})
		if lines := r.lines(t); len(lines) != 1 ||
			bytes.ContainsAny(r.stream.Bytes(), "\x1b\x00\r") || r.stream.Len() > 2000 {
			t.Errorf("%.20q: %d lines of %d bytes", text, len(lines), r.stream.Len())
		}
		e := r.table.entries[0]
		for _, value := range []struct {
			text string
			most int
		}{{e.Account, AccountMax}, {e.Method, MethodMax}, {e.Route, RouteMax}, {e.Thing, ThingMax}, {e.From, FromMax},
			{e.Request, RequestMax}} {
			if len(value.text) > value.most || !utf8.ValidString(value.text) ||
				strings.ContainsAny(value.text, "\n\r\x1b") {
				t.Errorf("%.20q became %q, of %d bytes at most", text, value.text, value.most)
			}
		}
	}
}

// TestFloodIsCounted refuses one address twenty thousand times and another one once: entries are few, their memory
// is bounded, and every refusal is in one of them.
func TestFloodIsCounted(t *testing.T) {
	r := mustRecord(t)
	const flood = 20_000
	for range flood {
		r.Record(t.Context(), refusedFrom("192.0.2.1"))
	}
	r.Record(t.Context(), refusedFrom("192.0.2.2"))
	if got, want := len(r.table.entries), burstEach+1; got != want {
		t.Errorf("%d entries, want %d", got, want)
	}
	if last := r.table.entries[len(r.table.entries)-1]; last.From != "192.0.2.2" {
		t.Errorf("the other's refusal has no entry: %+v", last)
	}
	r.Summarize(t.Context())
	total := int64(0)
	for _, e := range r.table.entries {
		total += e.Times
	}
	if last := r.table.entries[len(r.table.entries)-1]; total != flood+1 || last.From != "192.0.2.1" ||
		last.Times != flood-burstEach || last.Request != "" || last.Status != 401 {
		t.Errorf("%d refusals in entries, want %d; the last is %+v", total, flood+1, last)
	}
	if got := r.metric(t, "woody_audit_withheld_total"); got != flood-burstEach {
		t.Errorf("%v withheld, want %d", got, flood-burstEach)
	}
	r.Summarize(t.Context())
	if got := len(r.table.entries); got != burstEach+2 {
		t.Errorf("%d entries after another summary, want no more than before", got)
	}
	r.clock.pass(5 * time.Second)
	r.Record(t.Context(), refusedFrom("192.0.2.1"))
	if got := len(r.table.entries); got != burstEach+3 {
		t.Errorf("%d entries five seconds later, want one more", got)
	}
}

// TestFloodFromManyAddresses refuses many addresses once each: of one /64, and of as many networks.
func TestFloodFromManyAddresses(t *testing.T) {
	for name, address := range map[string]func(i int) string{
		"one network": func(i int) string { return fmt.Sprintf("2001:db8::%x:%x", i>>16, i&0xffff) },
		"networks":    func(i int) string { return fmt.Sprintf("2001:db8:%x:%x::1", i>>16, i&0xffff) },
	} {
		r := mustRecord(t)
		const flood = 30_000
		for i := range flood {
			r.Record(t.Context(), refusedFrom(address(i)))
		}
		if got := len(r.flood.strangers.callers); got > callersMax {
			t.Errorf("%s: %d are remembered", name, got)
		}
		if got := len(r.table.entries); got > burstAll {
			t.Errorf("%s: %d entries, want %d at most", name, got, burstAll)
		}
		r.Summarize(t.Context())
		total := int64(0)
		for _, e := range r.table.entries {
			total += e.Times
		}
		if total != flood || len(r.table.entries) > burstAll+summariesMax+1 {
			t.Errorf("%s: %d entries of %d refusals, want %d", name, len(r.table.entries), total, flood)
		}
		r.clock.pass(time.Hour)
		r.Summarize(t.Context())
		if got := len(r.flood.strangers.callers); got != 0 {
			t.Errorf("%s: %d are remembered after an hour", name, got)
		}
	}
}

// TestWhoIsRefusedIsKept refuses requests from more networks than are counted apart, and then junk and probes of a
// signed-in account. It checks that refusals of that account get entries of their own, up to a burst, that the rest is
// summed up under the account, and that no refusal is lost from the totals.
func TestWhoIsRefusedIsKept(t *testing.T) {
	r := mustRecord(t)
	refused := func(account, from, route string, outcome Outcome, status int) {
		r.Record(t.Context(), Entry{Account: account, Method: "POST", Route: route, From: from, Outcome: outcome,
			Status: status, Request: "r"})
	}
	const strangers, junk, probes = 15_000, 100, 250
	for i := range strangers { // more than are counted apart
		refused("", fmt.Sprintf("2001:db8:%x::1", i), "", Refused, 401)
		refused("", "192.0.2.1", "", Refused, 401)
	}
	for range junk {
		refused("mallory", "192.0.2.1", "/api/products", Failed, 400)
	}
	for range probes {
		refused("mallory", "192.0.2.1", "/api/accounts", Refused, 403)
	}
	refused("bob", "192.0.2.1", "/api/accounts", Refused, 403)
	r.Summarize(t.Context())
	type key struct {
		account string
		outcome Outcome
	}
	times, rows := map[key]int64{}, map[key]int{}
	for _, e := range r.table.entries {
		k := key{e.Account, e.Outcome}
		times[k] += e.Times
		rows[k]++
		if e.Account != "" && (e.From != "192.0.2.1" || (e.Outcome == Refused) != (e.Status == 403)) {
			t.Errorf("an entry is %+v", e)
		}
	}
	for k, want := range map[key]int64{{"mallory", Refused}: probes, {"mallory", Failed}: junk, {"bob", Refused}: 1,
		{"", Refused}: 2 * strangers} {
		if times[k] != want {
			t.Errorf("%v: entries for %d, want %d", k, times[k], want)
		}
	}
	if got := rows[key{"mallory", Refused}]; got != burstEach+1 {
		t.Errorf("of the probes %d have entries, want %d and one for the others", got, burstEach)
	}
}

// TestAccountFromSeveralNetworks checks that a summary entry of an account names the address if all its refusals came
// from the same network, and none if they came from several.
func TestAccountFromSeveralNetworks(t *testing.T) {
	for _, row := range []struct {
		from []string
		want string
	}{{[]string{"192.0.2.1", "192.0.2.1"}, "192.0.2.1"}, {[]string{"192.0.2.1", "192.0.2.2", "192.0.2.2"}, ""}} {
		r := mustRecord(t)
		e := refusedFrom("192.0.2.1")
		e.Account = "mallory"
		for range burstEach {
			r.Record(t.Context(), e)
		}
		for range 2 { // what one entry had does not count for the next
			for _, e.From = range row.from {
				r.Record(t.Context(), e)
			}
			r.Summarize(t.Context())
			last := r.table.entries[len(r.table.entries)-1]
			if last.From != row.want || last.Account != "mallory" || last.Times != int64(len(row.from)) {
				t.Errorf("of %v the entry is %+v, want it from %q", row.from, last, row.want)
			}
		}
	}
}

// TestOthersOutcomesAreApart makes more networks exceed the burst than get summaries of their own, and checks that the
// totals of all entries still count refused and failed requests apart.
func TestOthersOutcomesAreApart(t *testing.T) {
	r := mustRecord(t)
	const networks = 2 * summariesMax
	for i := range networks {
		e := refusedFrom(fmt.Sprintf("192.0.2.%d", i))
		for _, e.Outcome = range []Outcome{Refused, Failed} {
			for range burstEach + 1 {
				r.Record(t.Context(), e)
			}
		}
	}
	r.Summarize(t.Context())
	times := map[Outcome]int64{}
	for _, e := range r.table.entries {
		times[e.Outcome] += e.Times
	}
	if want := int64(networks * (burstEach + 1)); times[Refused] != want || times[Failed] != want {
		t.Errorf("%v, want %d each", times, want)
	}
}

// TestUnchangedAreWithheld repeats a write that changes nothing, and one that is refused, and checks that each kind is
// counted apart.
func TestUnchangedAreWithheld(t *testing.T) {
	r := mustRecord(t)
	const flood = 3 * burstEach
	for range flood {
		for _, outcome := range []Outcome{Unchanged, Refused, Done} {
			r.Record(t.Context(), Entry{Account: "mallory", Method: "POST", From: "192.0.2.1", Outcome: outcome})
		}
	}
	r.Summarize(t.Context())
	rows, times := map[Outcome]int{}, map[Outcome]int64{}
	for _, e := range r.table.entries {
		rows[e.Outcome]++
		times[e.Outcome] += e.Times
	}
	for outcome, want := range map[Outcome]int{Unchanged: burstEach + 1, Refused: burstEach + 1, Done: flood} {
		if rows[outcome] != want || times[outcome] != flood {
			t.Errorf("%s: %d entries for %d, want %d for %d", outcome, rows[outcome], times[outcome], want, flood)
		}
	}
}

// TestWritesAreNeverWithheld checks that every write has an entry, also when there are more of them than the bound for
// refusals.
func TestWritesAreNeverWithheld(t *testing.T) {
	r := mustRecord(t)
	for i := range 3 * burstAll {
		r.Record(t.Context(), Entry{Method: "POST", From: "192.0.2.1", Outcome: []Outcome{Done, Uncertain}[i%2]})
	}
	if got := len(r.table.entries); got != 3*burstAll {
		t.Errorf("%d entries, want %d", got, 3*burstAll)
	}
}

// TestTableAway checks that without the table the stream has every entry and the counter says so, and that the table is
// tried once a second and not by every request.
func TestTableAway(t *testing.T) {
	r := mustRecord(t)
	r.table.err = errors.New("away")
	write := Entry{Method: "POST", Outcome: Done, Status: 201}
	for range 100 {
		r.Record(t.Context(), write)
	}
	if got := len(r.lines(t)); got != 100 {
		t.Errorf("%d lines, want 100", got)
	}
	if got := r.metric(t, "woody_audit_failures_total", "table"); got != 100 || r.table.tries != 1 {
		t.Errorf("%v failures by %d tries, want 100 by one", got, r.table.tries)
	}
	r.table.err = nil
	r.clock.pass(restFor)
	r.Record(t.Context(), write)
	if got := len(r.table.entries); got != 1 {
		t.Errorf("%d rows once it is back, want 1", got)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("no space left") }

// TestStreamAway checks that without the stream the table has every entry, and that the counter says so.
func TestStreamAway(t *testing.T) {
	table, registry := &fakeTable{}, prometheus.NewRegistry()
	r, err := New(Config{Table: table, Stream: brokenWriter{}, Registerer: registry,
		Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	r.Record(t.Context(), Entry{Outcome: Done})
	if got := count(t, registry, "woody_audit_failures_total", "stream"); got != 1 || len(table.entries) != 1 {
		t.Errorf("%v failures, %d rows, want one each", got, len(table.entries))
	}
}

// halfWriter writes half of what it is given first, as a disk does that fills up meanwhile.
type halfWriter struct {
	bytes.Buffer
	written bool
}

func (h *halfWriter) Write(p []byte) (int, error) {
	if !h.written {
		h.written = true
		n, _ := h.Buffer.Write(p[:len(p)/2])
		return n, errors.New("no space left")
	}
	return h.Buffer.Write(p)
}

// TestHalfALine checks that a line that was written in part takes none of the next ones with it.
func TestHalfALine(t *testing.T) {
	var out halfWriter
	s := newStream(&out)
	if err := s.write(Entry{ID: "lost"}); err == nil {
		t.Error("a write of half a line has no error")
	}
	for _, id := range []string{"a", "b"} {
		if err := s.write(Entry{ID: id}); err != nil {
			t.Error(err)
		}
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	for i, id := range []string{"", "a", "b"} {
		var entry struct{ ID string }
		err := json.Unmarshal([]byte(lines[i]), &entry)
		if len(lines) != 3 || (err == nil) != (id != "") || entry.ID != id {
			t.Fatalf("of the stream\n%s\nline %d is %q, %v; want %q", out.String(), i, entry.ID, err, id)
		}
	}
}

// stuckWriter takes nothing until it is let go.
type stuckWriter struct {
	bytes.Buffer
	free chan struct{}
}

func (s *stuckWriter) Write(p []byte) (int, error) {
	<-s.free
	return s.Buffer.Write(p)
}

// TestStreamStuck checks that a stream which takes no lines holds writes up for a second and no more, and only those
// that came before that was known. Each of them is in the table, and counted, and lines go on once it takes them.
func TestStreamStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to, table, registry := &stuckWriter{free: make(chan struct{})}, &fakeTable{}, prometheus.NewRegistry()
		r, err := New(Config{Table: table, Stream: to, Registerer: registry, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		record := func(request string) time.Duration {
			began := time.Now()
			r.Record(t.Context(), Entry{Outcome: Done, Request: request})
			return time.Since(began)
		}
		const together = 5
		var first sync.WaitGroup
		for range together {
			first.Go(func() {
				if took := record("first"); took != streamPatience {
					t.Errorf("a write of the first waits for %v, want %v", took, streamPatience)
				}
			})
		}
		first.Wait()
		if took := record("lost"); took != 0 {
			t.Errorf("a write waits for %v where the stream is known to be stuck", took)
		}
		if got := count(t, registry, "woody_audit_failures_total", "stream"); got != together+1 ||
			len(table.entries) != together+1 {
			t.Errorf("%v failures, %d rows, want %d each", got, len(table.entries), together+1)
		}
		close(to.free)
		synctest.Wait()
		for _, request := range []string{"a", "b"} {
			record(request)
		}
		var got []string
		for line := range strings.Lines(to.String()) {
			var entry struct{ Request string }
			if err := json.Unmarshal([]byte(line), &entry); err != nil {
				t.Error(err)
			}
			got = append(got, entry.Request)
		}
		if strings.Join(got, " ") != "first a b" {
			t.Errorf("the stream has lines of %v, want the one that it was slow to take, and those after", got)
		}
	})
}

// TestRunWritesWhatIsLeft ends while a flood has no entry yet.
func TestRunWritesWhatIsLeft(t *testing.T) {
	r := mustRecord(t)
	ctx, cancel := context.WithCancel(t.Context())
	for range burstEach + 5 {
		r.Record(ctx, refusedFrom("192.0.2.1"))
	}
	cancel()
	r.Run(ctx)
	if last := r.table.entries[len(r.table.entries)-1]; last.Times != 5 {
		t.Errorf("the last entry is %+v, want 5 refusals in it", last)
	}
}

// TestStreamFile checks that the stream's file is readable by its owner alone, and that it is appended to.
func TestStreamFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "audit")
	for range 2 {
		to, err := OpenStream(name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(to, "x")
		if err := to.Close(); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(name)
	if text, _ := os.ReadFile(name); err != nil || info.Mode().Perm() != 0o600 || string(text) != "x\nx\n" {
		t.Errorf("%v %v %q", err, info, text)
	}
	if _, err := OpenStream(filepath.Join(name, "x")); err == nil {
		t.Error("a file below a file is opened")
	}
}
