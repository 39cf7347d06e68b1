//go:build e2e

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/load"
	"github.com/woodytoys/woodytoys/internal/oracle"
)

// mix is an open load of reads and writes, each request sent at its own time whatever became of those before, with an
// oracle: it has the newest write acknowledged before each read began, and no read may be older.
type mix struct {
	addrs []string // of the proxies; the connections are shared out among them
	stop  chan struct{}
	done  sync.WaitGroup

	ledger oracle.Ledger // of products
	// the list of products: its versions are the highest ids of which the creation was acknowledged
	newest   oracle.Item
	tally    oracle.Tally
	findings oracle.Findings

	end func() // stops it, and waits for what is under way

	mu           sync.Mutex
	acknowledged []time.Time // when writes were
	result
}

// result is what clients saw.
type result struct {
	reads, writes             int64
	failedReads, failedWrites int64
	found                     oracle.Sum
	failures                  map[string]int // by kind, status and detail
	latencies                 []time.Duration
	took                      time.Duration
	// firstFailure and lastFailure are when, from the start.
	firstFailure, lastFailure time.Duration
}

const (
	mixConns    = 96
	mixProducts = 40
)

// startMix makes products to work on and begins the load: of 20 requests, 16 read (ten a product, four the list's
// newest, two ping) and 4 write (three rename, one adds).
func startMix(t *testing.T, addrs ...string) *mix {
	t.Helper()
	if len(addrs) == 0 {
		addrs = []string{swarmNet + ".1:80"}
	}
	m := &mix{addrs: addrs, stop: make(chan struct{})}
	m.end = sync.OnceFunc(func() {
		close(m.stop)
		m.done.Wait()
	})
	t.Cleanup(m.end) // of a test that gives up
	m.failures = map[string]int{}
	conn, err := load.Dial(addrs[0])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var ids []int64
	for i := range mixProducts {
		status, body, err := conn.Do(m.request("POST", "/api/products", fmt.Sprintf(`{"name":"Toy %d"}`, i)))
		var made oracle.Product
		if err = errors.Join(err, json.Unmarshal(body, &made)); err != nil || status != http.StatusCreated {
			t.Fatalf("make a product: %d %s %v", status, body, err)
		}
		m.acknowledge(made)
		ids = append(ids, made.ID)
	}
	began := time.Now()
	// Requests wait here only while every connection waits for a response; their latency counts from when they were
	// due.
	due := make(chan int, 1<<16)
	m.done.Go(func() {
		defer close(due)
		for n := 0; ; n++ {
			select {
			case <-m.stop:
				m.took = time.Since(began)
				return
			case <-time.After(time.Until(began.Add(time.Duration(n) * time.Second / time.Duration(*rate)))):
				due <- n
			}
		}
	})
	for i := range mixConns {
		m.done.Go(func() { m.client(addrs[i%len(addrs)], ids, began, due) })
	}
	return m
}

func (m *mix) request(method, path, body string) []byte {
	request := fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: shop.example\r\nAccept: application/json\r\n", method, path)
	if body != "" {
		request = fmt.Appendf(request, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	return append(append(request, "\r\n"...), body...)
}

// client keeps one connection busy with what is due, and opens another one after an error: no request is sent twice.
func (m *mix) client(addr string, ids []int64, began time.Time, due <-chan int) {
	var conn *load.Conn
	for n := range due {
		intended := began.Add(time.Duration(n) * time.Second / time.Duration(*rate))
		write := n%20 >= 16
		m.count(write)
		var err error
		if conn == nil {
			if conn, err = load.Dial(addr); err != nil {
				conn = nil
			}
		}
		if err == nil {
			if err = m.one(conn, n, ids[n/20%len(ids)]); err != nil {
				conn.Close()
				conn = nil
			}
		}
		if err != nil {
			m.failed(write, err)
		}
		m.mu.Lock()
		m.latencies = append(m.latencies, time.Since(intended))
		if err != nil {
			if m.firstFailure == 0 {
				m.firstFailure = time.Since(began)
			}
			m.lastFailure = time.Since(began)
		}
		m.mu.Unlock()
	}
	if conn != nil {
		conn.Close()
	}
}

// one sends request n and judges its response.
func (m *mix) one(conn *load.Conn, n int, id int64) error {
	switch kind := n % 20; {
	case kind < 10:
		return m.readProduct(conn, id)
	case kind < 14:
		return m.readNewest(conn)
	case kind < 16:
		return expect(http.StatusOK, nil)(conn.Do(m.request("GET", "/api/ping", "")))
	case kind < 19:
		return m.write(conn, http.StatusOK, "PUT", fmt.Sprintf("/api/products/%d", id), fmt.Sprintf("Toy %d", n))
	default:
		return m.write(conn, http.StatusCreated, "POST", "/api/products", fmt.Sprintf("New toy %d", n))
	}
}

func expect(want int, into any) func(status int, body []byte, err error) error {
	return func(status int, body []byte, err error) error {
		if err == nil && status != want {
			err = fmt.Errorf("%d %s", status, detail(body))
		}
		if err == nil && into != nil {
			err = json.Unmarshal(body, into)
		}
		return err
	}
}

func detail(body []byte) string {
	var problem struct{ Detail string }
	if json.Unmarshal(body, &problem) != nil {
		return strconv.Quote(string(body))
	}
	return problem.Detail
}

func (m *mix) readProduct(conn *load.Conn, id int64) error {
	item := m.ledger.Item(id)
	floor := item.Floor()
	var got oracle.Product
	err := expect(http.StatusOK, &got)(conn.Do(m.request("GET", fmt.Sprintf("/api/products/%d", id), "")))
	if err == nil {
		m.findings.Add(item.Judge(floor, got.State()), "product %d is answered in %v; %v was acknowledged before", id,
			got.State(), floor)
	}
	return err
}

func (m *mix) readNewest(conn *load.Conn) error {
	floor := m.newest.Floor()
	var page struct{ Products []oracle.Product }
	err := expect(http.StatusOK, &page)(conn.Do(m.request("GET", "/api/products?limit=1", "")))
	if err == nil {
		var newest oracle.State
		if len(page.Products) > 0 {
			newest.Version = page.Products[0].ID
		}
		m.findings.Add(m.newest.Judge(floor, newest), "the newest product is %d; %d was acknowledged before",
			newest.Version, floor.Version)
	}
	return err
}

func (m *mix) write(conn *load.Conn, status int, method, path, name string) error {
	var made oracle.Product
	err := expect(status, &made)(conn.Do(m.request(method, path, `{"name":"`+name+`"}`)))
	if err == nil {
		m.acknowledge(made)
		m.mu.Lock()
		m.acknowledged = append(m.acknowledged, time.Now())
		m.mu.Unlock()
	}
	return err
}

// awaitAcknowledged waits until so many more writes have been acknowledged.
func (m *mix) awaitAcknowledged(t *testing.T, more int) {
	t.Helper()
	count := func() int {
		m.mu.Lock()
		defer m.mu.Unlock()
		return len(m.acknowledged)
	}
	want := count() + more
	for deadline := time.Now().Add(time.Minute); count() < want; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d writes were acknowledged within a minute", more-want+count(), more)
		}
	}
}

// longestPause returns the longest time without an acknowledged write, from a moment on, once the load has ended.
func (m *mix) longestPause(from time.Time) (longest time.Duration) {
	last := from
	for _, at := range m.acknowledged {
		if at.After(from) {
			longest, last = max(longest, at.Sub(last)), at
		}
	}
	return longest
}

func (m *mix) acknowledge(made oracle.Product) {
	verdict := m.ledger.Item(made.ID).Acknowledged(made.State())
	m.findings.Add(verdict, "%v of product %d was acknowledged, and another was acknowledged before",
		made.State(), made.ID)
	m.newest.Acknowledged(oracle.State{Version: made.ID})
}

func (m *mix) count(write bool) {
	if write {
		m.tally.Writes.Add(1)
	} else {
		m.tally.Reads.Add(1)
	}
}

func (m *mix) failed(write bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	kind := "read"
	if write {
		m.tally.FailedWrites.Add(1)
		kind = "write"
	} else {
		m.tally.FailedReads.Add(1)
	}
	text := err.Error()
	if at := strings.LastIndex(text, "->"); at >= 0 {
		text = text[at:] // not which port of ours it was
	}
	m.failures[kind+": "+text]++
}

// finish ends the load and looks for every acknowledged write: the product must be there, in that version or a newer
// one.
func (m *mix) finish(t *testing.T) result {
	t.Helper()
	m.end()
	conn, err := load.Dial(m.addrs[0])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for id, item := range m.ledger.All() {
		var got oracle.Product // none, if it is not found
		status, body, err := conn.Do(m.request("GET", fmt.Sprintf("/api/products/%d", id), ""))
		if err := expect(http.StatusOK, &got)(status, body, err); err != nil && status != http.StatusNotFound {
			t.Fatalf("look for product %d: %v", id, err)
		}
		m.findings.Add(item.Audit(got.State()), "product %d is %v in the end; %v was acknowledged", id,
			got.State(), item.Floor())
	}
	slices.Sort(m.latencies)
	m.reads, m.writes = m.tally.Reads.Load(), m.tally.Writes.Load()
	m.failedReads, m.failedWrites = m.tally.FailedReads.Load(), m.tally.FailedWrites.Load()
	m.found = m.findings.Sum()
	return m.result
}

// String returns a line for the report.
func (r result) String() string {
	at := func(q float64) float64 { return load.Latencies(r.latencies).At(q).Seconds() * 1000 }
	line := fmt.Sprintf("%d requests in %.0f s (%.0f/s), %d writes; failed: %d reads, %d writes; acknowledged writes "+
		"lost: %d; stale reads: %d; p50 %.1f ms, p99 %.1f ms, max %.0f ms",
		r.reads+r.writes, r.took.Seconds(), float64(r.reads+r.writes)/r.took.Seconds(), r.writes, r.failedReads,
		r.failedWrites, r.found.Lost, r.found.Stale, at(.5), at(.99), at(1))
	if r.failedReads+r.failedWrites > 0 {
		line += fmt.Sprintf("; failures over %.1f s", (r.lastFailure - r.firstFailure).Seconds())
	}
	for kind, n := range r.failures {
		line += fmt.Sprintf("\n    %d x %s", n, kind)
	}
	return line
}

// mustBeClean fails the test if any call failed or any promise was broken.
func (r result) mustBeClean(t *testing.T) {
	t.Helper()
	r.mustKeepPromises(t)
	if r.failedReads+r.failedWrites > 0 {
		t.Errorf("%d reads and %d writes failed: %v", r.failedReads, r.failedWrites, r.failures)
	}
}

// mustKeepPromises fails the test if an acknowledged write is lost, or a read is older than one, or wrong.
func (r result) mustKeepPromises(t *testing.T) {
	t.Helper()
	if r.found.All() > 0 {
		t.Errorf("%d acknowledged writes are lost, %d reads were stale, %d answers wrong; the first: %s",
			r.found.Lost, r.found.Stale, r.found.Wrong, r.found.Examples[0])
	}
	if asked := r.took.Seconds() * float64(*rate); float64(r.reads+r.writes) < asked*.98 {
		t.Errorf("%d requests were sent, of %.0f that were due: the load is not what it says", r.reads+r.writes, asked)
	}
}
