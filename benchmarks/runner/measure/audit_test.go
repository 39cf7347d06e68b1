package measure

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/report/raw"
	"github.com/woodytoys/woodytoys/benchmarks/runner/driver"
	"github.com/woodytoys/woodytoys/internal/oracle"
)

// refusing is a shop that refuses the first changes of products.
type refusing struct {
	status int           // of a refusal
	wrote  chan struct{} // has one for each change that was asked for

	mu       sync.Mutex
	refusals int // that are left
	newest   int64
	products map[string]oracle.Product // by path
}

func (s *refusing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var asked struct{ Name string }
	if r.Method != http.MethodGet {
		_ = json.NewDecoder(r.Body).Decode(&asked)
	}
	p := s.products[r.URL.Path]
	switch {
	case r.Method == http.MethodPost:
		s.newest++
		w.WriteHeader(http.StatusCreated)
		p = oracle.Product{ID: s.newest, Name: asked.Name, Version: 1}
	case r.Method == http.MethodPut:
		s.wrote <- struct{}{}
		if s.refusals > 0 {
			s.refusals--
			w.WriteHeader(s.status)
			return
		}
		p.Name, p.Version = asked.Name, p.Version+1
		s.products[r.URL.Path] = p
	case r.URL.Path == "/api/products/last":
		fmt.Fprintf(w, `{"count":1,"last":{"id":%d,"name":"x","version":1}}`, s.newest)
		return
	}
	w.Write(p.AppendJSON(nil))
}

// mustOpen returns the shop, with so many products on its shelf.
func (s *refusing) mustOpen(t *testing.T, products int) *Shop {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	shop := &Shop{Running: &driver.Running{Addr: server.Listener.Addr().String()}}
	s.wrote, s.products = make(chan struct{}, 10_000), map[string]oracle.Product{}
	var ids []int64
	var names []string
	for s.newest < int64(products) {
		s.newest++
		p := oracle.Product{ID: s.newest, Name: fmt.Sprintf("toy-%d", s.newest), Version: 1}
		path := fmt.Sprintf("/api/products/%d", p.ID)
		s.products[path] = p
		ids, names, shop.reads = append(ids, p.ID), append(names, p.Name), append(shop.reads, shop.get(path))
	}
	shop.shelf = newShelf(ids, names)
	return shop
}

// audited audits a shop until it was asked for so many changes, and returns what was found.
func (s *refusing) audited(t *testing.T, shop *Shop, changes int) raw.Oracle {
	t.Helper()
	for len(s.wrote) > 0 {
		<-s.wrote
	}
	done := make(chan struct{})
	var audit sync.WaitGroup
	audit.Go(func() { shop.audit(t.Context(), done, time.Millisecond) })
	late := time.After(time.Minute)
	for waiting, n := true, 0; waiting && n < changes; n++ {
		select {
		case <-s.wrote:
		case <-late:
			t.Errorf("%d changes were asked for, want %d", n, changes)
			waiting = false
		}
	}
	close(done)
	audit.Wait()
	return shop.shelf.taken()
}

// TestFailedWritesDoNotEndTheChanges makes more writes fail than products are changed in turn, and checks that what is
// measured afterwards has changes beside it again. A product whose write was refused by a proxy (429) is changed later
// on: there is but one of them.
func TestFailedWritesDoNotEndTheChanges(t *testing.T) {
	for status, products := range map[int]int{
		http.StatusServiceUnavailable: 3 * audited, http.StatusTooManyRequests: 1,
	} {
		const refusals, changes = audited + 4, 5
		fake := &refusing{status: status, refusals: refusals}
		shop := fake.mustOpen(t, products)
		if got := fake.audited(t, shop, refusals); got.ChangesDue < refusals || got.Stale+got.Wrong > 0 {
			t.Errorf("%d: while writes are refused: %+v, want %d changes due", status, got, refusals)
		}
		if got := fake.audited(t, shop, changes); got.Changed < changes || got.ChangesDue < got.Changed ||
			got.Stale+got.Wrong > 0 {
			t.Errorf("%d: afterwards: %+v, want %d changes acknowledged", status, got, changes)
		}
	}
}

// TestAShopThatNeverRespondsHangsNothing measures changes, and writes until they are everywhere, of a shop that accepts
// connections and never responds, until the run is ended: then all ends, and the changes were due.
func TestAShopThatNeverRespondsHangsNothing(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	shop := (&refusing{}).mustOpen(t, 1)
	shop.Running = &driver.Running{Addr: listener.Addr().String(), Replicas: []string{listener.Addr().String()}}
	ended := errors.New("the run is ended")
	ctx, end := context.WithCancelCause(t.Context())
	time.AfterFunc(100*time.Millisecond, func() { end(ended) })
	done := make(chan struct{})
	var audit sync.WaitGroup
	audit.Go(func() { shop.audit(ctx, done, time.Millisecond) })
	if _, err := shop.Fresh(ctx, 3); !errors.Is(err, ended) {
		t.Errorf("error = %v, want why the run ended", err)
	}
	close(done)
	audit.Wait()
	if got := shop.shelf.taken(); got.ChangesDue < 50 || got.Changed != 0 {
		t.Errorf("%d of %d changes were made, want none of about 100", got.Changed, got.ChangesDue)
	}
}

// TestAComponentThatWasReplacedHasNoCost ends a component's process during a measurement: what it used is not known
// then, neither less than nothing nor what another process used.
func TestAComponentThatWasReplacedHasNoCost(t *testing.T) {
	process := exec.Command("sleep", "60")
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	shop := (&refusing{}).mustOpen(t, 1)
	self := driver.Part{Name: "database", PIDs: []int{os.Getpid()}}
	shop.Parts = []driver.Part{self, {Name: "api", PIDs: []int{process.Process.Pid}}}
	measured := func(do func()) raw.Measurement {
		t.Helper()
		m, err := shop.around(raw.Measurement{Name: "mix"}, func(*raw.Measurement) error {
			do()
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	if m := measured(func() {}); len(m.Parts) != 2 || m.Unparted != "" {
		t.Errorf("while both run: %+v, %q", m.Parts, m.Unparted)
	}
	m := measured(func() {
		_ = process.Process.Kill()
		_ = process.Wait()
	})
	if len(m.Parts) > 0 || !strings.Contains(m.Unparted, "a process of api has ended") {
		t.Errorf("when one has ended: %+v, %q; want no parts, and why", m.Parts, m.Unparted)
	}
}

// TestWhatWasFoundOutlivesTheMeasurement checks that a wrong response is reported even if the measurement fails after
// it, as when a component ends.
func TestWhatWasFoundOutlivesTheMeasurement(t *testing.T) {
	shop := (&refusing{}).mustOpen(t, 1)
	if m, ok := shop.CutOff(); ok {
		t.Errorf("before anything failed there is %+v", m)
	}
	broken := errors.New("a component ended")
	if _, err := shop.around(raw.Measurement{Name: "mix"}, func(m *raw.Measurement) error {
		m.Oracle.Checked = 7
		shop.shelf.wrong("an answer")
		return broken
	}); !errors.Is(err, broken) {
		t.Fatalf("error = %v", err)
	}
	if m, ok := shop.CutOff(); !ok || m.What != "mix" || m.Oracle.Checked != 7 || m.Oracle.Wrong != 1 {
		t.Errorf("what was found is %+v, %v; want one wrong of seven in the mix", m, ok)
	}
	if m, ok := shop.CutOff(); ok {
		t.Errorf("it is there twice: %+v", m)
	}
}

// TestWithoutAKnownProductNothingIsChanged checks that nothing is changed after a write of the only product failed.
func TestWithoutAKnownProductNothingIsChanged(t *testing.T) {
	shelf := newShelf([]int64{7}, []string{"toy"})
	if i, ok := shelf.inTurn(3); i != 0 || !ok {
		t.Errorf("the product to change is %d, %v; want the only one", i, ok)
	}
	shelf.products[0].Unknown()
	if i, ok := shelf.inTurn(4); ok {
		t.Errorf("product %d is changed, of which nobody knows what it is", i)
	}
}
