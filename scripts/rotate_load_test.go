package scripts_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/load"
	"github.com/woodytoys/woodytoys/internal/programs"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// fleet is two replicas behind the proxy, which are rolled as Swarm does it: a new one is ready before an old one is
// asked to end, and each has the secrets that there were when it was made.
type fleet struct {
	program, dir string
	settings     []string
	secrets      []string // "WOODY_X_FILE=…"
	mounted      []string // the same with copies of the files
	addrs        []string // of the places behind the proxy; the replicas are at two of them
	running      []*programs.Shop
	started      int
}

// mount copies the secrets as they are now, for the replicas that start next.
func (f *fleet) mount() error {
	dir, err := os.MkdirTemp(f.dir, "secrets")
	if err != nil {
		return err
	}
	f.mounted = nil
	for _, secret := range f.secrets {
		name, file, _ := strings.Cut(secret, "=")
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		file = filepath.Join(dir, filepath.Base(file))
		if err := os.WriteFile(file, content, 0o600); err != nil {
			return err
		}
		f.mounted = append(f.mounted, name+"="+file)
	}
	return nil
}

// start starts a replica at a free place.
func (f *fleet) start() error {
	f.started++
	free := slices.DeleteFunc(slices.Clone(f.addrs), func(addr string) bool {
		return slices.ContainsFunc(f.running, func(s *programs.Shop) bool { return s.Addr() == addr })
	})
	log := filepath.Join(f.dir, fmt.Sprint("log", f.started))
	settings := slices.Concat([]string{"WOODY_ADDR=" + free[f.started%len(free)]}, f.settings, f.mounted)
	shop, err := programs.StartShop(exec.Command(f.program), log, settings...)
	if err == nil {
		f.running = append(f.running, shop)
	}
	return err
}

// roll replaces the two that run, after a third was started with the secrets of before, as one that died would be.
func (f *fleet) roll() error {
	if err := errors.Join(f.start(), f.mount()); err != nil {
		return err
	}
	for range 2 {
		if err := f.start(); err != nil {
			return err
		}
		f.stopOldest()
	}
	f.stopOldest()
	return nil
}

// stopOldest stops the replica that was started first.
func (f *fleet) stopOldest() {
	f.running[0].Stop(time.Minute)
	f.running = f.running[1:]
}

// TestLongRotation changes the passwords of the API at both stores, that of its migrations and the administrators'
// while 500 requests a second are made, one of ten a write, each sent once: none fails, and the old ones are refused.
func TestLongRotation(t *testing.T) {
	t.Parallel()
	r := mustStartRotation(t)
	f := &fleet{program: filepath.Join(t.TempDir(), "api"), dir: t.TempDir()}
	for range 4 {
		f.addrs = append(f.addrs, mustListenAt(t))
	}
	if err := programs.BuildShop(f.program); err != nil {
		t.Fatal(err)
	}
	f.secrets = []string{
		"WOODY_DB_DSN_FILE=" + r.secret("database_dsn"),
		"WOODY_DB_MIGRATE_DSN_FILE=" + r.secret("database_migrate_dsn"),
		"WOODY_REDIS_PASSWORD_FILE=" + r.secret("redis_password"),
	}
	f.settings = []string{
		"WOODY_REDIS_ADDR=" + r.redis, "WOODY_REDIS_USER=woody",
		"WOODY_DRAIN_DELAY=2s", "WOODY_HEAVY_DELAY=0s", "WOODY_SLOW_QUERY_DELAY=0s",
		// A slow machine is not to be taken for a lost Redis or replica.
		"WOODY_REDIS_TIMEOUT=5s", "WOODY_ACK_TIMEOUT=5s", "WOODY_CACHE_LEASE=5s",
	}
	t.Cleanup(func() {
		for _, shop := range f.running {
			shop.Kill()
		}
	})
	if err := errors.Join(f.mount(), f.start(), f.start()); err != nil {
		t.Fatal(err)
	}
	proxy, err := programs.StartHAProxy(programs.HAProxyConfig{API: f.addrs})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	used := []string{"database_dsn", "database_migrate_dsn", "redis_password"}
	r.roll = func(files []string) error {
		if slices.ContainsFunc(files, func(file string) bool { return slices.Contains(used, file) }) {
			return f.roll()
		}
		return nil
	}
	for deadline := time.Now().Add(servers.Patience); ; time.Sleep(50 * time.Millisecond) {
		response, err := http.Get(proxy.URL + "/api/products/1")
		if err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				break
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("the proxy finds no replica", err)
		}
	}
	l := startLoad(proxy.Addr())
	rolled := f.started
	for _, row := range []struct{ name, store, user, file string }{
		{"admin", "database", "admin", "database_admin_password"},
		{"database", "database", "woody", "database_password"},
		{"redis-admin", "redis", "admin", "redis_admin_password"},
		{"redis", "redis", "woody", "redis_password"},
		{"migrate", "database", "migrate", "database_migrate_password"},
	} {
		was := r.inUse(row.file)
		if output, err := r.rotate(row.name, 0); err != nil {
			t.Fatalf("%s: %v %s", row.name, err, output)
		}
		if r.takes(t, row.store, row.user, was) || !r.takes(t, row.store, row.user, r.inUse(row.file)) {
			t.Errorf("%s: not the new one alone is taken", row.name)
		}
	}
	sent, failed := l.stop()
	if len(failed) > 0 || sent < 1000 {
		t.Errorf("of %d requests %d failed: %.1000q", sent, len(failed), failed)
	}
	if got := f.started - rolled; got != 9 {
		t.Errorf("%d replicas were started, want 9", got)
	}
	t.Logf("%d requests, %d failed", sent, len(failed))
}

// steadyLoad is 500 requests a second.
type steadyLoad struct {
	end    chan struct{}
	done   sync.WaitGroup
	sent   atomic.Int64
	mu     sync.Mutex
	failed []string
}

func startLoad(addr string) *steadyLoad {
	l := &steadyLoad{end: make(chan struct{})}
	due := make(chan int64, 1<<16)
	l.done.Go(func() {
		defer close(due)
		began := time.Now()
		for n := int64(0); ; n++ {
			select {
			case <-l.end:
				return
			case <-time.After(time.Until(began.Add(time.Duration(n) * time.Second / 500))):
				due <- n
			}
		}
	})
	for range 48 {
		l.done.Go(func() {
			var conn *load.Conn
			for n := range due {
				if err := l.one(addr, &conn, n); err != nil {
					l.mu.Lock()
					l.failed = append(l.failed, err.Error())
					l.mu.Unlock()
				}
			}
			if conn != nil {
				conn.Close()
			}
		})
	}
	return l
}

// one makes a request, by the connection of those before or, after a failure, by another one.
func (l *steadyLoad) one(addr string, conn **load.Conn, n int64) (err error) {
	l.sent.Add(1)
	if *conn == nil {
		if *conn, err = load.Dial(addr); err != nil {
			return err
		}
	}
	request := fmt.Sprintf("GET /api/products/%d HTTP/1.1\r\nHost: shop.example\r\n\r\n", 1+n%2)
	if n%10 == 0 {
		body := fmt.Sprintf(`{"name":"Toy %d"}`, n)
		request = fmt.Sprintf("POST /api/products HTTP/1.1\r\nHost: shop.example\r\nContent-Type: application/json\r\n"+
			"Content-Length: %d\r\n\r\n%s", len(body), body)
	}
	status, body, err := (*conn).Do([]byte(request))
	if err != nil {
		(*conn).Close()
		*conn = nil
		return err
	}
	if status/100 != 2 {
		return errors.New(fmt.Sprint(status, " ", strings.TrimSpace(string(body))))
	}
	return nil
}

// stop ends the load when all requests have been answered.
func (l *steadyLoad) stop() (sent int64, failed []string) {
	close(l.end)
	l.done.Wait()
	return l.sent.Load(), l.failed
}
