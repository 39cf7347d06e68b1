package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/programs"
	"github.com/woodytoys/woodytoys/internal/servers"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// What all tests share, made when the first asks for it.
var (
	sharedDir string

	// buildShop builds the shop as it ships, and with rules that can be switched off.
	buildShop = map[bool]func() (string, error){
		false: sync.OnceValues(func() (string, error) { return build("api") }),
		true:  sync.OnceValues(func() (string, error) { return build("api-broken", "-tags", "broken") }),
	}

	mariadb      *servers.MariaDB
	startMariaDB = sync.OnceValue(func() (err error) {
		mariadb, err = servers.StartMariaDB()
		return err
	})
	sharing sync.Mutex
)

func build(name string, flags ...string) (file string, err error) {
	sharing.Lock()
	defer sharing.Unlock()
	if sharedDir == "" {
		if sharedDir, err = os.MkdirTemp("", "woody-observer"); err != nil {
			return "", err
		}
	}
	file = filepath.Join(sharedDir, name)
	return file, programs.BuildShop(file, flags...)
}

func cleanUp() {
	if mariadb != nil {
		mariadb.Close()
	}
	if sharedDir != "" {
		os.RemoveAll(sharedDir)
	}
}

// replica is one process of the API, at the same address whenever it runs.
type replica struct {
	*programs.Shop
	addr, admin string
	start       func() (*programs.Shop, error)
}

func mustStartEmbedded(t *testing.T) *replica {
	t.Helper()
	program, err := buildShop[false]()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	shop, err := programs.StartShop(exec.Command(program), filepath.Join(dir, "log"), "WOODY_DATA_DIR="+dir,
		"WOODY_FRONT=off", "WOODY_ADMIN_ADDR=127.0.0.1:0", "WOODY_DB_DSN=")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(shop.Kill)
	return &replica{Shop: shop}
}

// place is where a shop listens.
func (r *replica) place() (host, port, admin string) {
	host, port, _ = net.SplitHostPort(r.Addr())
	u, _ := url.Parse(r.AdminURL)
	return host, port, u.Port()
}

// system is what is observed: three replicas that share a Redis and a database, behind the proxy. Each replica has an
// address of its own, and all of them the same ports, as in the stack.
type system struct {
	t         *testing.T
	redis     *servers.Redis
	wires     []*servers.Wire // from each replica to Redis
	replicas  []*replica
	proxy     *programs.HAProxy
	port      string
	adminPort string
	names     names
}

// systems counts the systems that were started: each has a network of its own.
var systems atomic.Int32

// mustStart starts a system. With rules, these are switched off in all of its replicas.
func mustStart(t *testing.T, rules string) *system {
	t.Helper()
	if err := startMariaDB(); err != nil {
		t.Fatal(err)
	}
	program, err := buildShop[rules != ""]()
	if err != nil {
		t.Fatal(err)
	}
	s := &system{t: t, redis: servertest.MustStartRedis(t)}
	dsn, network := servertest.MustMakeDatabase(t, mariadb), fmt.Sprintf("127.83.%d.", systems.Add(1))
	s.port, s.adminPort = mustFindPort(t, network+"1"), mustFindPort(t, network+"1")
	dir, addrs := t.TempDir(), []string(nil)
	for i := range 3 {
		host := fmt.Sprint(network, i+1)
		wire := servertest.MustStartWire(t, s.redis.Addr)
		r := &replica{addr: host + ":" + s.port, admin: host + ":" + s.adminPort}
		r.start = func() (*programs.Shop, error) {
			return programs.StartShop(exec.Command(program), filepath.Join(dir, host), "WOODY_ADDR="+r.addr,
				"WOODY_ADMIN_ADDR="+r.admin, "WOODY_DB_DSN="+dsn, "WOODY_REDIS_ADDR="+wire.Addr, "WOODY_DB_DIRECT=on",
				fmt.Sprint("WOODY_REPLICA_ID=r", i), "WOODY_ORDER_WORKERS=0", "CACHE_BROKEN="+rules)
		}
		if r.Shop, err = r.start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			r.Kill()
			if t.Failed() {
				t.Logf("a replica said:\n%s", r.Log())
			}
		})
		s.wires, s.replicas = append(s.wires, wire), append(s.replicas, r)
		s.names.add(host)
		addrs = append(addrs, r.addr)
	}
	s.proxy, err = programs.StartHAProxy(programs.HAProxyConfig{API: addrs})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.proxy.Close)
	return s
}

func mustFindPort(t *testing.T, host string) string {
	t.Helper()
	port, err := servers.FreePort(host)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// restart ends a replica, and starts it again at its address.
func (r *replica) restart() (err error) {
	r.Stop(30 * time.Second)
	r.Shop, err = r.start()
	return err
}

// names is what a name service would say.
type names struct {
	mu    sync.Mutex
	addrs []netip.Addr
}

func (n *names) add(host string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.addrs = append(n.addrs, netip.MustParseAddr(host))
}

func (n *names) set(addrs ...netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.addrs = addrs
}

func (n *names) lookup(context.Context, string) ([]netip.Addr, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.addrs) == 0 {
		return nil, errors.New("no such name")
	}
	return append([]netip.Addr(nil), n.addrs...), nil
}

// watcher is an observer of a system, in this process.
type watcher struct {
	*observer
	t      *testing.T
	logged *output
	stop   func()
}

// output is what was logged.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// mustObserve starts an observer, at five times the usual rate.
func (s *system) mustObserve() *watcher { return s.mustObserveAt(100) }

func (s *system) mustObserveAt(rate int) *watcher {
	cfg := config{API: "tasks.api:" + s.port, Proxy: s.proxy.URL, Rate: rate}
	_, _ = fmt.Sscan(s.adminPort, &cfg.AdminPort)
	logged := &output{}
	o := newObserver(cfg, slog.New(slog.NewTextHandler(logged, nil)), logged)
	o.replicas.lookup = s.names.lookup
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		o.run(ctx)
	}()
	w := &watcher{observer: o, t: s.t, logged: logged, stop: func() {
		cancel()
		<-done
	}}
	s.t.Cleanup(func() {
		w.stop()
		if s.t.Failed() {
			s.t.Logf("an observer said:\n%s", logged)
		}
	})
	return w
}

// value returns the value of a counter or a gauge, or the count of a histogram; of the path if that is not empty.
func (w *watcher) value(name, path string) float64 {
	w.t.Helper()
	families, err := w.metrics.registry.Gather()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			if family.GetName() == "woody_observer_"+name && (path == "" || metric.GetLabel()[0].GetValue() == path) {
				// Of another kind than its own a metric has zero.
				return metric.GetCounter().GetValue() + metric.GetGauge().GetValue() +
					float64(metric.GetHistogram().GetSampleCount())
			}
		}
	}
	w.t.Fatalf("there is no %s of %q", name, path)
	return 0
}

// stale is how many stale answers were found in all.
func (w *watcher) stale() float64 {
	return w.value("stale_total", viaReplica) + w.value("stale_total", viaProxy)
}

// await waits until done reports true.
func (w *watcher) await(what string, done func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(servers.Patience); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("waited in vain: %s", what)
		}
	}
}

// awaitMore waits until a counter has grown by so much.
func (w *watcher) awaitMore(name, path string, more float64) {
	w.t.Helper()
	before := w.value(name, path)
	what := fmt.Sprintf("%s of %q is to grow by %v", name, path, more)
	w.await(what, func() bool { return w.value(name, path) >= before+more })
}

// awaitRounds waits for so many writes that were seen to be fresh everywhere.
func (w *watcher) awaitRounds(n float64) {
	w.t.Helper()
	w.awaitMore("fresh_seconds", viaReplica, n)
	w.awaitMore("fresh_seconds", viaProxy, 1)
}

// wantNoneStale fails the test if any answer was found stale, or any write lost.
func (w *watcher) wantNoneStale() {
	w.t.Helper()
	if stale, lost := w.stale(), w.value("lost_total", ""); stale > 0 || lost > 0 {
		w.t.Errorf("%v stale answers and %v lost writes, want none", stale, lost)
	}
}

// findingsLogged are the lines of JSON.
func (w *watcher) findingsLogged() (found []map[string]any) {
	w.t.Helper()
	for line := range strings.Lines(w.logged.String()) {
		if !strings.HasPrefix(line, "{") {
			continue
		}
		var finding map[string]any
		if err := json.Unmarshal([]byte(line), &finding); err != nil {
			w.t.Errorf("%q: %v", line, err)
		}
		found = append(found, finding)
	}
	return found
}
