package drill

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// pager is who Alertmanager calls.
type pager struct {
	*httptest.Server

	mu     sync.Mutex
	firing map[string]map[string]bool // the alerts that fire, by their names and fingerprints
	calls  []string                   // what has come, in its order
	refuse bool                       // the next call
	called chan struct{}              // closed at the next call
}

// page is an alert as Alertmanager sends it.
type page struct {
	Status, Fingerprint string
	Labels, Annotations map[string]string
}

func mustStartPager(t *testing.T) *pager {
	t.Helper()
	p := &pager{firing: map[string]map[string]bool{}, called: make(chan struct{})}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.refuses() {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		var body struct{ Alerts []page }
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Errorf("Alertmanager sends what cannot be read: %v", err)
		}
		p.take(body.Alerts)
	}))
	t.Cleanup(p.Close)
	return p
}

// refuseNext has the next call refused; Alertmanager sends it again later.
func (p *pager) refuseNext() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = true
}

// refuses reports whether a call is to be refused.
func (p *pager) refuses() (now bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now, p.refuse = p.refuse, false
	return now
}

func (p *pager) take(alerts []page) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range alerts {
		name := a.Labels["alertname"]
		if p.firing[name] == nil {
			p.firing[name] = map[string]bool{}
		}
		if a.Status == "firing" {
			p.firing[name][a.Fingerprint] = true
		} else {
			delete(p.firing[name], a.Fingerprint)
		}
		p.calls = append(p.calls, fmt.Sprintf("%s %s: %s", name, a.Status, a.Annotations["summary"]))
	}
	close(p.called)
	p.called = make(chan struct{})
}

// history returns what has come so far.
func (p *pager) history() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[:len(p.calls):len(p.calls)]
}

// await waits until an alert fires, or does not.
func (p *pager) await(name string, fires bool) error {
	late := time.After(servers.Patience)
	for {
		p.mu.Lock()
		now, called := len(p.firing[name]) > 0, p.called
		p.mu.Unlock()
		if now == fires {
			return nil
		}
		select {
		case <-called:
		case <-late:
			return fmt.Errorf("after %v, %s fires: %v, want %v; what came:\n%q",
				servers.Patience, name, now, fires, p.history())
		}
	}
}

// mustFire waits until each of the alerts fires.
func (p *pager) mustFire(t *testing.T, names ...string) { p.mustBe(t, true, names) }

// mustResolve waits until none of the alerts fires.
func (p *pager) mustResolve(t *testing.T, names ...string) { p.mustBe(t, false, names) }

func (p *pager) mustBe(t *testing.T, fires bool, names []string) {
	t.Helper()
	began := time.Now()
	var last string // that was awaited for long
	for _, name := range names {
		asked := time.Now()
		if err := p.await(name, fires); err != nil {
			t.Fatal(err)
		}
		if time.Since(asked) > time.Second {
			last = name
		}
	}
	t.Logf("%v fires: %v, after %v; %s was the last", names, fires, time.Since(began).Round(100*time.Millisecond),
		cmp.Or(last, "none"))
}
