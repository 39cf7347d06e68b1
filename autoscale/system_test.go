package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/programs"
	"github.com/woodytoys/woodytoys/internal/servers"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// places is for how many replicas the local service has addresses.
const places = 6

// local is a service of processes: replicas behind the proxy that ships, which its checks find, and a Prometheus.
type local struct {
	t          *testing.T
	window     time.Duration
	program    string
	dsn        string
	addrs      []string // of all places
	admins     []string
	prometheus *servers.Prometheus
	proxy      *programs.HAProxy

	mu      sync.Mutex
	running []*programs.Shop // the first of the places
	went    []int            // what it was scaled to
	busy    string
	ending  sync.WaitGroup
}

func mustStartLocal(t *testing.T, window time.Duration, n int) *local {
	t.Helper()
	l := &local{t: t, window: window, program: filepath.Join(t.TempDir(), "api")}
	if err := programs.BuildShop(l.program); err != nil {
		t.Fatal(err)
	}
	l.dsn = servertest.MustMakeDatabase(t, servertest.MustStartMariaDB(t))
	for range places {
		l.addrs, l.admins = append(l.addrs, mustFind(t)), append(l.admins, mustFind(t))
	}
	var err error
	l.proxy, err = programs.StartHAProxy(programs.HAProxyConfig{API: l.addrs})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.proxy.Close)
	l.prometheus, err = servers.StartPrometheus(func(string) map[string]string {
		return map[string]string{"prometheus.yml": fmt.Sprintf("global: {scrape_interval: 1s, scrape_timeout: 1s}\n"+
			"scrape_configs:\n  - job_name: api\n    static_configs: [{targets: [%s]}]\n", strings.Join(l.admins,
			", "))}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.prometheus.Close)
	t.Cleanup(func() {
		l.ending.Wait()
		for _, shop := range l.running {
			shop.Kill()
		}
	})
	for range n {
		l.mustAdd()
	}
	err = l.proxy.AwaitReady(servers.Patience, func() error { return get(http.DefaultClient, l.proxy.URL+"/api/ping") })
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func mustFind(t *testing.T) string {
	t.Helper()
	port, err := servers.FreePort("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	return "127.0.0.1:" + port
}

// mustAdd starts a replica at the next place.
func (l *local) mustAdd() {
	place := len(l.running)
	shop, err := programs.StartShop(exec.Command(l.program), filepath.Join(l.t.TempDir(), "log"),
		"WOODY_REPLICA_ID="+fmt.Sprint(place+1), "WOODY_ADDR="+l.addrs[place], "WOODY_ADMIN_ADDR="+l.admins[place],
		"WOODY_DB_DSN="+l.dsn, "WOODY_HEAVY_DELAY=50ms", "WOODY_HEAVY_SLOTS=1", "WOODY_SLOW_QUERY_DELAY=0",
		"WOODY_DRAIN_DELAY=4s")
	if err != nil {
		l.t.Error(err)
		return
	}
	l.running = append(l.running, shop)
}

func (l *local) Observe(context.Context) (Observation, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Observation{Wanted: len(l.running), Running: len(l.running), Busy: l.busy}, nil
}

func (l *local) Scale(_ context.Context, from, to int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if from != len(l.running) {
		return errors.New("somebody else has scaled it")
	}
	l.went = append(l.went, to)
	for len(l.running) < to {
		l.mustAdd()
	}
	for _, shop := range l.running[to:] { // as Swarm ends a task
		l.ending.Go(func() {
			shop.Stop(servers.Patience)
			if err := shop.Wait(); err != nil {
				l.t.Errorf("a replica ends with %v\n%s", err, shop.Log())
			}
		})
	}
	l.running = l.running[:to]
	return nil
}

func (l *local) Figures(ctx context.Context) (*Figures, error) {
	response, err := askURL(ctx, "http://"+l.prometheus.Addr, question(l.window))
	if err != nil {
		return nil, err
	}
	return readFigures(response)
}

func (l *local) scaledTo() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return fmt.Sprint(l.went)
}

// mustLoad makes heavy calls at a rate, each at its own time whatever became of those before, until enough reports
// true, and wants none of them to fail. No two have a name in common: none is answered by a cache.
func (l *local) mustLoad(t *testing.T, rate int, atMost time.Duration, enough func() bool) {
	t.Helper()
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 500,
		IdleConnTimeout: 2 * time.Second}}
	defer client.CloseIdleConnections()
	var calls sync.WaitGroup
	var failed atomic.Int64
	began, n := time.Now(), 0
	for ; !enough() && time.Since(began) < atMost; n++ {
		url := fmt.Sprintf("%s/api/misc/heavy?name=%d-%d", l.proxy.URL, began.UnixNano(), n)
		calls.Go(func() {
			if err := get(client, url); err != nil {
				failed.Add(1)
				t.Error(err)
			}
		})
		time.Sleep(time.Until(began.Add(time.Duration(n+1) * time.Second / time.Duration(rate))))
	}
	done := enough()
	calls.Wait()
	t.Logf("%d/s for %s: %d calls, %d failed", rate, time.Since(began).Round(time.Second), n, failed.Load())
	if !done {
		t.Fatalf("after %s of %d/s it was scaled to %s", atMost, rate, l.scaledTo())
	}
}

func get(client *http.Client, url string) error {
	response, err := client.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s %s", url, response.Status, body)
	}
	return err
}

// syncLog is a log that is read while it is written.
type syncLog struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *syncLog) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *syncLog) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// mustScale runs the program with shorter times than by default, until the test ends.
func (l *local) mustScale(t *testing.T, args ...string) *syncLog {
	t.Helper()
	cfg, _, err := parse(append([]string{"--every=500ms", "--window=5s", "--up-after=2s", "--down-after=12s",
		"--settle=6s",
		"--stale=10s"}, args...), os.Stderr, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	log := &syncLog{}
	s := &scaler{config: cfg, on: l, log: log}
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.run(ctx)
	}()
	t.Cleanup(func() {
		end()
		<-ended
		t.Logf("the log:\n%s", log)
	})
	return log
}

// TestLongSteps makes 10, 60 and 10 heavy calls a second, of which a replica can make 20, and checks that there are 2,
// 4 and 2 replicas, and nothing in between.
func TestLongSteps(t *testing.T) {
	l := mustStartLocal(t, 5*time.Second, 2)
	log := l.mustScale(t)
	for _, part := range []struct {
		rate   int
		atMost time.Duration
		want   string
		stays  time.Duration // for how long after that
	}{
		{10, 30 * time.Second, "[]", 10 * time.Second},
		{60, 90 * time.Second, "[4]", 15 * time.Second},
		{10, 120 * time.Second, "[4 2]", 5 * time.Second},
	} {
		var since time.Time
		l.mustLoad(t, part.rate, part.atMost, func() bool {
			if l.scaledTo() != part.want {
				since = time.Time{}
				return false
			}
			if since.IsZero() {
				since = time.Now()
			}
			return time.Since(since) >= part.stays
		})
	}
	for _, why := range []string{"scale 2 to 4: ", "requests are in flight, and a replica is to have 1",
		"scale 4 to 2: at most ", "for 12s"} {
		if !strings.Contains(log.String(), why) {
			t.Errorf("the log does not say %q", why)
		}
	}
	// In its container Prometheus is asked by promtool, which prints the series alone.
	output, err := exec.Command("promtool", "query", "instant", "-o", "json", "http://"+l.prometheus.Addr,
		question(l.window)).Output()
	if err != nil {
		t.Fatalf("ask by promtool: %v", err)
	}
	if f, err := readFigures(output); err != nil || f.Targets != 2 {
		t.Errorf("by promtool there are the figures %+v, %v", f, err)
	}
}

// TestTrouble checks that nothing is scaled while the load is unknown, and that the log says why.
func TestTrouble(t *testing.T) {
	l := mustStartLocal(t, 5*time.Second, 1)
	l.busy = "an update is under way (updating): its end is awaited"
	log := l.mustScale(t) // 1 is fewer than the least: it would act at once
	await := func(line string) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); !strings.Contains(log.String(),
			line); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("the log does not say %q", line)
			}
		}
	}
	await("1 replicas: an update is under way")
	if err := l.prometheus.Signal(syscall.SIGSTOP); err != nil { // it hangs
		t.Fatal(err)
	}
	l.prometheus.Kill()
	l.mu.Lock()
	l.busy = ""
	l.mu.Unlock()
	await("1 replicas: no figures: ask Prometheus: ")
	if went := l.scaledTo(); went != "[]" {
		t.Errorf("it was scaled to %s, with nothing to go by", went)
	}
}
