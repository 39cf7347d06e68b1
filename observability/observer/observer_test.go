package main

import (
	"net/netip"
	"syscall"
	"testing"
	"time"
)

// TestAHealthyShop runs two observers while Redis is killed and comes back, and a replica is restarted. It checks that
// nothing is reported stale, and that neither takes the other's writes for its own.
func TestAHealthyShop(t *testing.T) {
	t.Parallel()
	s := mustStart(t, "")
	observers := []*watcher{s.mustObserve(), s.mustObserve()}
	everyone := func(what func(w *watcher)) {
		t.Helper()
		for _, w := range observers {
			what(w)
		}
	}
	everyone(func(w *watcher) { w.awaitRounds(5) })
	s.redis.Kill()
	everyone(func(w *watcher) { w.awaitRounds(2) })
	if err := s.redis.Restart(); err != nil {
		t.Fatal(err)
	}
	everyone(func(w *watcher) { w.awaitRounds(5) })
	if err := s.replicas[1].restart(); err != nil {
		t.Fatal(err)
	}
	everyone(func(w *watcher) { w.awaitRounds(5) })
	everyone(func(w *watcher) {
		w.wantNoneStale()
		if w.value("replicas", "") != 3 {
			t.Errorf("%v replicas are read, want 3", w.value("replicas", ""))
		}
	})
	if observers[0].probe.Load().name == observers[1].probe.Load().name {
		t.Error("two observers have one probe")
	}
	observers[0].stop() // and another one takes its place
	next := s.mustObserve()
	next.awaitRounds(2)
	next.wantNoneStale()
}

// TestLongStaleBuildIsCaught runs builds in which a rule is switched off: at the rate that ships, the observer finds
// out within 10 s, and says which answer of which replica it was. Without the rule `settle` caches are told of no
// write, and without `fence` a fill keeps what it read before one; no fault is needed to see it. Without `lease` a
// replica that is cut off from Redis answers on from its near cache, without `epoch` its own writes are acknowledged
// meanwhile, and without `ack` one that hears nothing over the bus is not waited for.
func TestLongStaleBuildIsCaught(t *testing.T) {
	for rules, fault := range map[string]func(s *system){
		"settle": func(*system) {},
		"fence":  func(*system) {},
		"lease":  func(s *system) { s.wires[2].Cut() },
		"epoch":  func(s *system) { s.wires[2].Cut() },
		"ack":    func(s *system) { s.wires[2].HangBus() },
	} {
		t.Run(rules, func(t *testing.T) {
			t.Parallel()
			s := mustStart(t, rules)
			w := s.mustObserveAt(20)
			w.await("a write is to be acknowledged", func() bool { return w.probe.Load().trusted() })
			fault(s)
			began, writes := time.Now(), w.value("writes_total", "")
			w.await("a stale answer", func() bool { return w.value("stale_total", viaReplica) > 0 })
			took, writes := time.Since(began), w.value("writes_total", "")-writes
			t.Logf("caught after %v and %v writes", took.Round(time.Millisecond), writes)
			// There are 20 writes in 10 s, unless the machine is too busy for them.
			if took > 10*time.Second && writes > 20 {
				t.Errorf("caught after %v and %v writes, want 10s at most", took, writes)
			}
			w.wantFindings()
		})
	}
}

// wantFindings holds what is logged of a stale answer.
func (w *watcher) wantFindings() {
	w.t.Helper()
	found := w.findingsLogged()
	if len(found) == 0 {
		w.t.Fatal("no stale answer is logged")
	}
	for _, finding := range found {
		for _, key := range []string{
			"path", "url", "replica", "cache_status", "request", "probe", "version", "wanted_version", "answer_ms",
			"wanted_age_ms",
		} {
			if finding[key] == nil || finding[key] == "" {
				w.t.Errorf("%v does not say its %s", finding, key)
			}
		}
		if finding["version"].(float64) >= finding["wanted_version"].(float64) {
			w.t.Errorf("%v is logged as stale", finding)
		}
	}
}

// TestFaultsAreNotTakenForStaleAnswers pauses a replica, cuts one off from Redis and from everything, and has the proxy
// and the name service away: reads and writes fail, and none that comes through is called stale.
func TestFaultsAreNotTakenForStaleAnswers(t *testing.T) {
	t.Parallel()
	s := mustStart(t, "")
	w := s.mustObserve()
	w.awaitRounds(5)
	for _, fault := range []struct {
		name        string
		break_, end func() error
		fails       string // what fails meanwhile
		path        string
	}{
		{
			"a replica paused", func() error { return s.replicas[0].Signal(syscall.SIGSTOP) },
			func() error { return s.replicas[0].Signal(syscall.SIGCONT) }, "read_failures_total", viaReplica,
		},
		{
			"a replica cut off from Redis", func() error { s.wires[1].Cut(); return nil },
			func() error { s.wires[1].Mend(); return nil }, "", "",
		},
		{
			"a replica gone", func() error { s.replicas[2].Kill(); return nil },
			func() (err error) { s.replicas[2].Shop, err = s.replicas[2].start(); return err },
			"write_failures_total", "",
		},
		{
			"the proxy paused", func() error { return s.proxy.Signal(syscall.SIGSTOP) },
			func() error { return s.proxy.Signal(syscall.SIGCONT) }, "read_failures_total", viaProxy,
		},
	} {
		if err := fault.break_(); err != nil {
			t.Fatalf("%s: %v", fault.name, err)
		}
		if fault.fails != "" {
			w.awaitMore(fault.fails, fault.path, 2)
		}
		w.awaitMore("fresh_seconds", viaReplica, 3)
		if err := fault.end(); err != nil {
			t.Fatalf("%s: %v", fault.name, err)
		}
		w.awaitRounds(3)
		if w.wantNoneStale(); t.Failed() {
			t.Fatalf("during or after %s", fault.name)
		}
	}
}

// TestReplicasComeAndGo changes what the name service says: nobody for a moment, then fewer, then nobody for good.
func TestReplicasComeAndGo(t *testing.T) {
	t.Parallel()
	s := mustStart(t, "")
	all := s.names.addrs
	w := s.mustObserve()
	w.awaitRounds(3)
	s.names.set()
	w.awaitMore("lookup_failures_total", "", 1)
	if got := w.value("replicas", ""); got != 3 {
		t.Errorf("%v replicas are known right after the name was gone, want the 3 from before", got)
	}
	w.awaitRounds(1)
	s.names.set(all[0])
	w.await("one replica", func() bool { return w.value("replicas", "") == 1 })
	w.awaitRounds(3)
	s.names.set()
	w.await("no replica", func() bool { return w.value("replicas", "") == 0 })
	w.awaitMore("checked_total", viaProxy, 3) // which is read on
	s.names.set(all...)
	w.awaitRounds(3)
	if got := w.value("replicas", ""); got != 3 {
		t.Errorf("%v replicas are known when they are back, want 3", got)
	}
	w.wantNoneStale()
}

// TestWaysAreKept checks that each address counts once, and that one that is named again is the same way.
func TestWaysAreKept(t *testing.T) {
	r := newReplicas(config{API: "tasks.api:8080", AdminPort: 8081})
	var names names
	r.lookup = names.lookup
	names.set(netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2"))
	if err := r.refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := r.all()
	if len(before) != 2 || before[0].url != "http://10.0.0.1:8080" || before[1].adminURL != "http://10.0.0.2:8081" {
		t.Errorf("ways %+v, want one to each address", before)
	}
	names.set(netip.MustParseAddr("fd00::1"), netip.MustParseAddr("10.0.0.2"))
	if err := r.refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	after := r.all()
	if len(after) != 2 || after[0] != before[1] || after[1].url != "http://[fd00::1]:8080" {
		t.Errorf("ways %+v, want the known one and the new one", after)
	}
}
