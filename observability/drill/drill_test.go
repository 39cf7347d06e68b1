package drill

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestDrill makes the whole drill in one test, since starting a stage and waiting for alerts take most of the time.
func TestDrill(t *testing.T) {
	s := mustStartStage(t)
	l := mustLoad(t, s)
	t.Run("all is well", func(t *testing.T) { s.testAllIsWell(t, l) })
	t.Run("every panel shows something", s.testPanels)
	t.Run("names", s.testNames)
	l.every.Store(5) // the rest of the machine is for what is broken
	t.Run("alerts", s.testAlerts)
	if t.Failed() {
		for _, call := range s.pager.history() {
			t.Log(call)
		}
	}
}

// well is how long nothing may fire: twenty minutes of the rules that ship, and long enough for every window but the
// longest of the budget's.
const well = 40 * time.Second

// testAllIsWell replaces the replicas one after another and adds and removes a fourth, under load, and checks that no
// alert fires.
func (s *stage) testAllIsWell(t *testing.T, l *load) {
	began := time.Now()
	s.awaitTruth(t, `count(up == 1) == count(up) and count(up) == 11`)
	s.update(t)
	s.scale(t)
	time.Sleep(time.Until(began.Add(well))) // that nothing happens takes its time
	sent, slow, failed := l.sent.Load(), l.slow.Load(), l.failed.Load()
	t.Logf("%d calls in %v, of which %d were slow and %d failed", sent, time.Since(began), slow, failed)
	tooBusy := float64(slow+failed) > 0.005*float64(sent)
	for _, call := range s.pager.history() {
		if name, _, _ := strings.Cut(call, " "); tooBusy && speaksOfSlowness[name] {
			t.Logf("the callers found it slow, too: this machine is too busy to be well. %s", call)
			continue
		}
		t.Errorf("all was well, and the pager was called: %s", call)
	}
}

// speaksOfSlowness are alerts that are right where a machine is so busy that the callers themselves find it slow: the
// figures of a container are to be there within a second here, not five.
var speaksOfSlowness = map[string]bool{
	"ErrorBudgetBurningFast": true, "ErrorBudgetBurning": true, "SlowAnswers": true, "ContainerDown": true,
}

// update replaces each replica by a new one at its address. There is one more meanwhile, as Swarm would have it.
func (s *stage) update(t *testing.T) {
	t.Helper()
	more := s.replicas[3]
	more.mustStart(t)
	s.mustFindReplicas(t, 3, s.but(nil, more)...)
	for _, r := range s.replicas[:3] {
		s.mustFindReplicas(t, 3, s.but(r, more)...)
		r.mustEnd(t)
		r.mustStart(t)
		s.mustFindReplicas(t, 3, s.but(nil, more)...)
	}
	s.mustFindReplicas(t, 3, s.but(nil)...)
	more.mustEnd(t)
}

// scale runs a fourth replica for a while.
func (s *stage) scale(t *testing.T) {
	t.Helper()
	more := s.replicas[3]
	more.mustStart(t)
	s.mustFindReplicas(t, 4, s.but(nil, more)...)
	s.awaitTruth(t, `count(up{job="api"} == 1) == 4`)
	s.mustFindReplicas(t, 3, s.but(nil)...)
	more.mustEnd(t)
}

// testAlerts breaks things, and mends each when its alerts have come. What does not get in each other's way is broken
// at the same time.
func (s *stage) testAlerts(t *testing.T) {
	var lanes sync.WaitGroup // not t.Parallel, which has as many go on as there are processors: these wait
	for name, lane := range map[string]func(*testing.T){
		"machine": s.breakMachine, "observer": s.breakObserver, "edge": s.crowdEdge, "replicas": s.breakReplicas,
		"stores": s.breakStores, "pager": s.refuseACall,
	} {
		lanes.Go(func() { t.Run(name, lane) })
	}
	lanes.Wait()
	s.pager.mustResolve(t, mustListAlerts(t)...)
	came := s.pager.history()
	for _, name := range mustListAlerts(t) {
		if !slices.ContainsFunc(came, func(call string) bool { return strings.HasPrefix(call, name+" firing:") }) {
			t.Errorf("nothing has made %s fire", name)
		}
	}
}

// drill breaks something, waits until alerts fire that did not before, mends it, and waits until they do not.
func (s *stage) drill(t *testing.T, breakIt func(t *testing.T) (mend func(t *testing.T)), alerts ...string) {
	t.Helper()
	s.breakAndMend(t, breakIt, alerts...)
	s.pager.mustResolve(t, alerts...)
}

// breakAndMend is drill, but for the wait until the alerts do not fire.
func (s *stage) breakAndMend(t *testing.T, breakIt func(t *testing.T) (mend func(t *testing.T)), alerts ...string) {
	t.Helper()
	s.pager.mustResolve(t, alerts...) // what comes of something else
	mend := breakIt(t)
	s.pager.mustFire(t, alerts...)
	mend(t)
}

func (s *stage) breakMachine(t *testing.T) {
	s.drill(t, func(*testing.T) func(*testing.T) {
		s.machine.set(0.99, 0.05)
		return func(*testing.T) { s.machine.set(0.2, 0.5) }
	}, "CPUHigh", "MemoryHigh")
}

func (s *stage) breakObserver(t *testing.T) {
	s.drill(t, func(*testing.T) func(*testing.T) {
		s.observer.stale.WithLabelValues("replica").Inc()
		return func(*testing.T) {}
	}, "StaleAnswer")
	s.drill(t, func(*testing.T) func(*testing.T) {
		s.observer.silent.Store(true)
		return func(*testing.T) { s.observer.silent.Store(false) }
	}, "ObserverSilent")
}

// refuseACall refuses one of the calls that the other lanes bring about.
func (s *stage) refuseACall(t *testing.T) {
	s.drill(t, func(*testing.T) func(*testing.T) {
		s.pager.refuseNext()
		return func(*testing.T) {}
	}, "AlertsNotDelivered")
}

// crowdEdge asks the edge for what is not there, each time by another name.
func (s *stage) crowdEdge(t *testing.T) {
	s.drill(t, func(*testing.T) func(*testing.T) {
		stop := every(50*time.Millisecond, func(i int) { get(fmt.Sprintf("%s/assets/none%d.png", s.edge.URL, i)) })
		return func(*testing.T) { stop() }
	}, "EdgeHitRatioLow")
}

// breakReplicas starts a fourth replica with too little memory, kills one of the three, and the front.
func (s *stage) breakReplicas(t *testing.T) {
	s.drill(t, func(t *testing.T) func(*testing.T) {
		small := s.replicas[3]
		small.settings = []string{"GOMEMLIMIT=16MiB"}
		small.mustStart(t)
		s.mustFindReplicas(t, 3, s.but(nil, small)...)
		return func(t *testing.T) {
			s.mustFindReplicas(t, 3, s.but(nil)...)
			small.mustEnd(t)
		}
	}, "ProcessMemoryHigh")
	s.drill(t, func(*testing.T) func(*testing.T) {
		s.replicas[2].Kill()
		return s.replicas[2].mustStart
	}, "ContainerDown")
	s.drill(t, func(*testing.T) func(*testing.T) {
		s.front.Kill()
		return s.front.mustStart
	}, "ProxyWithoutServers")
	s.drill(t, s.refuseMany, "RefusalsMany", "AuditIncomplete")
}

// refuseMany sends requests without a token to a replica with accounts, whose audit has a stream that is full.
func (s *stage) refuseMany(t *testing.T) (mend func(t *testing.T)) {
	t.Helper()
	s.audited.settings = []string{"WOODY_ACCOUNTS=on", "WOODY_TOKEN_KEYS_FILES=" + mustMakeKey(t),
		"WOODY_AUDIT_LOG=/dev/full"}
	s.audited.mustStart(t)
	s.mustFindReplicas(t, 3, s.but(nil, s.audited)...)
	const order = "/api/orders/5ed0a4a5-7d6f-4b8e-9f0a-0c0d0e0f0a0b"
	stop := every(50*time.Millisecond, func(int) { get("http://" + s.audited.addr + order) })
	return func(t *testing.T) {
		stop()
		s.mustFindReplicas(t, 3, s.but(nil)...)
		s.audited.mustEnd(t)
	}
}

// mustMakeKey returns a file with a key of tokens.
func mustMakeKey(t *testing.T) (file string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "key")
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// mustListAlerts returns the names of all alerts, but for those of the keeper of a certificate, of which there is none.
func mustListAlerts(t *testing.T) (names []string) {
	t.Helper()
	for _, found := range regexp.MustCompile(`(?m)^ +- alert: (\w+)$`).FindAllStringSubmatch(mustRender(t, 3), -1) {
		if !strings.HasPrefix(found[1], "Certificate") {
			names = append(names, found[1])
		}
	}
	return names
}

// every calls f every so often, with a few calls at the same time at most, until stop is called, which waits for the
// last.
func every(interval time.Duration, f func(i int)) (stop func()) {
	done, room := make(chan struct{}), make(chan struct{}, 10)
	var ended sync.WaitGroup
	ended.Go(func() {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			case <-ticker.C:
			}
			select {
			case <-done:
				return
			case room <- struct{}{}:
			}
			ended.Go(func() {
				defer func() { <-room }()
				f(i)
			})
		}
	})
	return sync.OnceFunc(func() {
		close(done)
		ended.Wait()
	})
}

// get asks for something, and does not care for the response.
func get(url string) {
	client := http.Client{Timeout: 5 * time.Second}
	if response, err := client.Get(url); err == nil {
		response.Body.Close()
	}
}
