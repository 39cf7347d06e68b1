// Package measure measures a running stage of the shop: each function one thing, once. What was
// answered is checked while it is being measured.
package measure

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/load"
	"github.com/woodytoys/woodytoys/benchmarks/instruments/machine"
	"github.com/woodytoys/woodytoys/benchmarks/report/figures"
	"github.com/woodytoys/woodytoys/benchmarks/report/raw"
	"github.com/woodytoys/woodytoys/benchmarks/runner/driver"
)

// patience is how long one response is waited for.
const patience = 30 * time.Second

// Shop is a stage that is being measured.
type Shop struct {
	*driver.Running
	shelf *shelf
	run   string       // distinguishes the names of this run from those of others
	names atomic.Int64 // counts names that were used once
	// reads are the requests for the products of the shelf.
	reads  [][]byte
	client http.Client
	// cutOff is the last measurement that failed; nil when none did.
	cutOff atomic.Pointer[raw.Measurement]
}

// Open fills a stage's shelf with products of its own, and verifies its responses. Nothing has been
// timed then.
func Open(ctx context.Context, running *driver.Running, products int) (*Shop, error) {
	s := &Shop{Running: running, run: fmt.Sprintf("%x", time.Now().UnixMilli()&0xffffff)}
	s.client = http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: s.dialPage},
		Timeout: time.Minute}
	if err := s.fill(ctx, products); err != nil {
		return nil, fmt.Errorf("stage %s: fill the shelf: %w", running.Name, err)
	}
	if err := s.verify(ctx); err != nil {
		return nil, fmt.Errorf("stage %s: %w", running.Name, err)
	}
	return s, nil
}

// dialPage connects to a host of the page, which DNS need not have.
func (s *Shop) dialPage(ctx context.Context, network, addr string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, network, s.PageAddr(addr))
}

// host returns what requests name.
func (s *Shop) host() string {
	if s.Host != "" {
		return s.Host
	}
	return s.Addr
}

// url returns the address of a path at the entrance.
func (s *Shop) url(path string) string { return "http://" + s.host() + path }

// get returns a request for JSON, ready to be written.
func (s *Shop) get(path string) []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: application/json\r\n\r\n", path, s.host())
}

// appendWrite appends a request with a product's name in its body.
func (s *Shop) appendWrite(b []byte, method, path, name string) []byte {
	const around = len(`{"name":""}`)
	b = fmt.Appendf(b, "%s %s HTTP/1.1\r\nHost: %s\r\nAccept: application/json\r\nContent-Type: application/json\r\n"+
		"Content-Length: %d\r\n\r\n",
		method, path, s.host(), len(name)+around)
	return append(append(append(b, `{"name":"`...), name...), `"}`...)
}

// newName returns a name that no product has.
func (s *Shop) newName(kind string) string {
	return fmt.Sprintf("%s %s-%d", kind, s.run, s.names.Add(1))
}

// fillConns is how many connections fill the shelf.
const fillConns = 8

func (s *Shop) fill(ctx context.Context, products int) error {
	ids, names := make([]int64, products), make([]string, products)
	var next atomic.Int64
	probe, err := load.DialContext(ctx, s.Addr)
	if err != nil {
		return fmt.Errorf("the shop cannot be reached: %w", err)
	}
	probe.Close()
	outcome, err := load.Run(ctx,
		load.Plan{Addr: s.Addr, Conns: fillConns, Requests: products, Source: func(int) load.Source {
			return &filler{shop: s, next: &next, ids: ids, names: names}
		}})
	if err != nil {
		return err
	}
	if good := outcome.Count()[load.Good]; good < products {
		return fmt.Errorf("%d of %d products could not be created (the last answer: %d; %v)", products-good, products,
			outcome.Samples[len(outcome.Samples)-1].Status, outcome.Err)
	}
	s.shelf = newShelf(ids, names)
	s.reads = make([][]byte, products)
	for i := range s.reads {
		s.reads[i] = s.get(fmt.Sprintf("/api/products/%d", ids[i]))
	}
	return nil
}

// filler creates products and notes their ids.
type filler struct {
	shop  *Shop
	next  *atomic.Int64
	ids   []int64
	names []string
	at    int64
}

func (f *filler) Next() ([]byte, uint8) {
	f.at = f.next.Add(1) - 1
	name := f.shop.newName("toy")
	if f.at < int64(len(f.names)) {
		f.names[f.at] = name
	}
	return f.shop.appendWrite(nil, "POST", "/api/products", name), 0
}

func (f *filler) Judge(a load.Response) load.Verdict {
	id, ok := createdID(a, f.names[f.at])
	if !ok {
		return load.Failed
	}
	f.ids[f.at] = id
	return load.Good
}

// createdID returns the id in the response to a product's creation, if that is as it should be.
func createdID(a load.Response, name string) (int64, bool) {
	var made struct {
		ID      int64
		Name    string
		Version int64
	}
	if a.Status != http.StatusCreated || json.Unmarshal(a.Body, &made) != nil || made.Name != name ||
		made.Version != 1 {
		return 0, false
	}
	return made.ID, true
}

// verify requests everything that is measured, once, and checks the responses.
func (s *Shop) verify(ctx context.Context) error {
	name := s.newName("verify")
	for _, c := range []struct {
		path string
		good func(body string) bool
	}{
		{"/api/ping", func(body string) bool { return body == "healthy" }},
		{"/api/misc/heavy?name=" + pathOf(name), func(body string) bool { return goodHeavy(body, name) }},
		{"/api/products/last", func(body string) bool {
			return strings.HasPrefix(body, "database: ") && strings.Contains(body, " products (last=")
		}},
		{fmt.Sprintf("/api/products/%d", s.shelf.products[0].id), func(body string) bool {
			return strings.HasPrefix(body, "toy "+s.run)
		}},
		{"/api/products?limit=1", func(body string) bool { return strings.HasPrefix(body, `{"products":[{"id":`) }},
	} {
		status, body, _, err := s.ask(ctx, s.url(c.path))
		if err != nil {
			return fmt.Errorf("verify what is measured: %w", err)
		}
		if status != http.StatusOK || !c.good(body) {
			return fmt.Errorf("verify what is measured: GET %s answers %d, %.200q", c.path, status, body)
		}
		s.shelf.checked(1)
	}
	return nil
}

// pathOf returns a name as it stands in a query; names here have letters, digits, blanks and hyphens only.
func pathOf(name string) string { return strings.ReplaceAll(name, " ", "+") }

// goodHeavy reports whether a response of heavy is right: 2026-11-20 13:00:00.000000: Woody -x- Woody.
func goodHeavy(body, name string) bool {
	_, err := time.Parse("2006-01-02 15:04:05.000000", body[:min(26, len(body))])
	return err == nil && body[26:] == ": Woody -"+name+"- Woody"
}

// ask makes one request on a connection of its own, as curl does.
func (s *Shop) ask(ctx context.Context, url string) (status int, body string, took time.Duration, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, "", 0, err
	}
	began := time.Now()
	response, err := s.client.Do(request)
	if err != nil {
		return 0, "", 0, orCause(ctx, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), time.Since(began), orCause(ctx, err)
}

// orCause returns why ctx ended if that is why something failed, and else err.
func orCause(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// around fills in what is the same of every measurement: when it was, what its components used, what
// the oracle found since the measurement before, so that nothing that it found is lost.
func (s *Shop) around(m raw.Measurement, do func(m *raw.Measurement) error) (raw.Measurement, error) {
	runtime.GC() // so that the garbage of what was measured before is not in the way
	m.Stage = s.Name
	before, unknown := s.Used()
	if unknown != nil { // since the measurement before
		s.LookUp()
		before, unknown = s.Used()
	}
	queries, known := s.Queries()
	generator, busy := ownCPU(), machine.Busy()
	m.Began = time.Now().UTC()
	err := do(&m)
	if m.TookUs == 0 {
		m.TookUs = time.Since(m.Began).Microseconds()
	}
	if m.GeneratorUs == 0 {
		m.GeneratorUs = (ownCPU() - generator).Microseconds()
	}
	if after, ok := s.Queries(); known && ok {
		m.Count("queries", after-queries-1)
	}
	m.OthersUs = (machine.Busy() - busy).Microseconds() - m.GeneratorUs
	after, ended := s.Used()
	if unknown = cmp.Or(unknown, ended); unknown == nil {
		m.Parts, unknown = usedSince(before, after)
	}
	if unknown != nil {
		m.Unparted = unknown.Error()
		s.LookUp()
	}
	for _, part := range m.Parts {
		m.OthersUs -= part.CPUUs
	}
	if m.OthersUs = max(m.OthersUs, 0); len(m.Parts) == 0 {
		m.OthersUs = 0 // what the shop itself used is not known
	}
	if window := time.Since(m.Began).Microseconds(); window > m.TookUs { // sampling took a while, too
		m.OthersUs = int64(float64(m.OthersUs) * float64(m.TookUs) / float64(window))
	}
	if err != nil {
		s.cutOff.Store(&raw.Measurement{Stage: m.Stage, Name: figures.CutOff, What: m.Name, Began: m.Began,
			TookUs: m.TookUs, Oracle: m.Oracle}) // what was found is still on the shelf
		return m, err
	}
	m.Oracle.Add(s.shelf.taken())
	return m, nil
}

// rounding is how much less a component may seem to have used than before, in microseconds: the time of processes that
// it has waited for is known in ticks of 10 ms.
const rounding = 100_000

// usedSince returns what components have used since before. It is an error where that is less than nothing: what a
// process used that has ended, and that nobody waited for, is no longer counted.
func usedSince(before, after []raw.Part) ([]raw.Part, error) {
	used := slices.Clone(after)
	for i := range used {
		if used[i].CPUUs -= before[i].CPUUs; used[i].CPUUs < -rounding {
			return nil, fmt.Errorf("a process of %s has ended", used[i].Name)
		}
		used[i].CPUUs = max(used[i].CPUUs, 0)
	}
	return used, nil
}

// CutOff returns what the oracle found in a measurement that failed, which has no figures. ok reports whether one did
// in which something was stale or wrong, that was not returned before.
func (s *Shop) CutOff() (m raw.Measurement, ok bool) {
	failed := s.cutOff.Swap(nil)
	if failed == nil {
		return m, false
	}
	failed.Oracle.Add(s.shelf.taken())
	return *failed, failed.Oracle.Stale+failed.Oracle.Wrong > 0
}

// ownCPU returns the processor time that this process has used.
func ownCPU() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// keep turns an outcome into the samples of a measurement.
func keep(m *raw.Measurement, outcome load.Outcome) {
	m.TookUs = outcome.Took.Microseconds()
	m.Samples = make([]raw.Sample, len(outcome.Samples))
	for i, s := range outcome.Samples {
		m.Samples[i] = raw.Sample{AtUs: s.At.Microseconds(), TookUs: s.Took.Microseconds(), Status: int(s.Status),
			Kind: int(s.Kind), Verdict: int(s.Verdict)}
	}
	if outcome.Err != nil {
		m.Failure = outcome.Err.Error()
	}
}
