package faults

import (
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"

	"github.com/woodytoys/woodytoys/internal/programs"
	"github.com/woodytoys/woodytoys/internal/servers"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// system is what is broken: replicas that share a Redis and a MariaDB, which has a replica of its own, or a cluster.
type system struct {
	t        *testing.T
	dir      string
	program  string // the shop as it ships
	breaking string // the shop that can be broken
	rules    string // what is switched off in all replicas; then they run the other program
	pair     *servers.Pair
	redis    *servers.Redis
	lease    time.Duration         // of all replicas
	watched  *servers.WatchedRedis // instead of redis, where sentinels watch it
	cluster  *databaseCluster      // instead of pair
	db       *sql.DB               // of the primary
	replicas []*replica
	clients  *clients
	only     atomic.Pointer[replica]    // the one that all writes go to; nil for any
	targets  atomic.Pointer[[]*replica] // replicas that requests are sent to; nil for all
}

const (
	shipped   = "api"        // the shop as it ships
	breakable = "api-broken" // the shop with the build tag `broken`
)

// builtDir is where builds has built them; empty before.
var builtDir string

// builds makes the shop in both ways, once for all tests, and returns the folder of both.
var builds = sync.OnceValues(func() (dir string, err error) {
	if builtDir, err = os.MkdirTemp("", "woody-faults"); err != nil {
		return "", err
	}
	return builtDir, errors.Join(
		programs.BuildShop(filepath.Join(builtDir, shipped)),
		programs.BuildShop(filepath.Join(builtDir, breakable), "-tags", "broken"))
})

func TestMain(m *testing.M) {
	code := m.Run()
	if builtDir != "" {
		os.RemoveAll(builtDir)
	}
	os.Exit(code)
}

// stopped ends the database, with kill.
func (s *system) stopped(kill func(*servers.MariaDB)) {
	kill(s.pair.Primary)
	s.refuse()
}

// refuse cuts all replicas off from the database: connections are refused.
func (s *system) refuse() {
	for _, r := range s.replicas {
		r.database.Refuse()
	}
}

// listen ends refuse.
func (s *system) listen() (err error) {
	for _, r := range s.replicas {
		err = errors.Join(err, r.database.Listen())
	}
	return err
}

// lead points the replicas' new connections to the database at the server that is the primary now.
func (s *system) lead() {
	for _, r := range s.replicas {
		r.database.Retarget(s.pair.Primary.Addr)
	}
}

// restarted starts the database again. It starts as a server that takes no writes, and is promoted.
func (s *system) restarted() error {
	return errors.Join(s.pair.Primary.Restart(), s.pair.Promote(), s.listen())
}

// openDB connects the tests to the primary.
func (s *system) openDB() (err error) {
	if s.db != nil {
		s.db.Close()
	}
	s.db, err = sql.Open("mysql", s.pair.Primary.DSN("woody"))
	return err
}

// replica is a place for a process: at the same address whenever it runs, behind wires to Redis and to the primary.
type replica struct {
	system   *system
	name     string
	addr     string
	program  string        // what it runs; the system's if empty
	wire     *servers.Wire // to Redis; nil where sentinels watch it
	database *servers.Wire
	reads    *servers.Wire // to the nodes of a cluster that serve reads; nil without

	mu      sync.Mutex
	process *programs.Shop
	starts  int
}

func (r *replica) url() string { return "http://" + r.addr }

// mustStart starts replicas that share one Redis.
func mustStart(t *testing.T, count int, rules string) *system {
	t.Helper()
	s := mustStartDatabase(t, rules)
	s.redis = servertest.MustStartRedis(t)
	s.mustStartReplicas(count)
	return s
}

// mustStartSlow is like mustStart, with a long lease: a replica takes longer to find out what has happened.
func mustStartSlow(t *testing.T, count int, rules string) *system {
	t.Helper()
	s := mustStartDatabase(t, rules)
	s.lease = 3 * time.Second
	s.redis = servertest.MustStartRedis(t)
	s.mustStartReplicas(count)
	return s
}

// mustStartWatched starts replicas that share a Redis that sentinels watch.
func mustStartWatched(t *testing.T, count int, rules string) *system {
	t.Helper()
	s := mustStartDatabase(t, rules)
	s.watched = servertest.MustStartWatchedRedis(t, nil)
	s.mustStartReplicas(count)
	return s
}

// mustStartDatabase builds the programs and starts the database.
func mustStartDatabase(t *testing.T, rules string) *system {
	t.Helper()
	s, built := newSystem(t, rules)
	var err error
	s.pair, err = servers.StartPair()
	if err = errors.Join(err, <-built); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.pair.Close)
	if err := s.openDB(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.db.Close() })
	return s
}

// newSystem returns a system that has nothing yet, whose programs are being built.
func newSystem(t *testing.T, rules string) (s *system, built <-chan error) {
	s = &system{t: t, dir: t.TempDir(), rules: rules, lease: time.Second}
	done := make(chan error, 1)
	go func() {
		dir, err := builds()
		s.program, s.breaking = filepath.Join(dir, shipped), filepath.Join(dir, breakable)
		done <- err
	}()
	return s, done
}

func (s *system) mustStartReplicas(count int) {
	s.t.Helper()
	for i := range count {
		port, err := servers.FreePort("127.0.0.1")
		if err != nil {
			s.t.Fatal(err)
		}
		r := &replica{system: s, name: fmt.Sprintf("r%d", i), addr: "127.0.0.1:" + port}
		r.mustStartDatabaseWires()
		if s.redis != nil {
			r.wire = servertest.MustStartWire(s.t, s.redis.Addr)
		}
		s.t.Cleanup(func() {
			r.kill()
			if s.t.Failed() {
				s.t.Logf("%s, at its last start:\n%s", r.name, r.process.Log())
			}
		})
		if err := r.start(); err != nil {
			s.t.Fatal(err)
		}
		s.replicas = append(s.replicas, r)
	}
}

// redisSettings returns where the replica finds Redis.
func (r *replica) redisSettings() []string {
	if w := r.system.watched; w != nil {
		return []string{"WOODY_REDIS_MASTER=" + servers.MasterName,
			"WOODY_REDIS_SENTINELS=" + strings.Join(w.Addrs(), ",")}
	}
	return []string{"WOODY_REDIS_ADDR=" + r.wire.Addr}
}

// mustStartDatabaseWires starts the replica's ways to the database.
func (r *replica) mustStartDatabaseWires() {
	if c := r.system.cluster; c != nil {
		r.database = servertest.MustStartWire(r.system.t, c.writes.Addr)
		r.reads = servertest.MustStartWire(r.system.t, c.reads.Addr)
		return
	}
	r.database = servertest.MustStartWire(r.system.t, r.system.pair.Primary.Addr)
}

// databaseSettings returns where the replica finds the database.
func (r *replica) databaseSettings() []string {
	if c := r.system.cluster; c != nil {
		return []string{"WOODY_DB_DSN=" + by(c.writes, r.database), "WOODY_DB_READ_DSN=" + by(c.reads, r.reads),
			"WOODY_DB_DIRECT=cluster"}
	}
	return []string{"WOODY_DB_DSN=" + r.system.pair.DSN(r.database.Addr), "WOODY_DB_DIRECT=on"}
}

// start runs the replica's program, with more settings, and waits until it is ready.
func (r *replica) start(settings ...string) error {
	program := cmp.Or(r.program, r.system.program)
	breaks := func(setting string) bool { return strings.HasPrefix(setting, "CACHE_") }
	if r.system.rules != "" || slices.ContainsFunc(settings, breaks) {
		program = r.system.breaking
	}
	settings = slices.Concat(r.redisSettings(), r.databaseSettings(), []string{
		"WOODY_ADDR=" + r.addr, "WOODY_REPLICA_ID=" + r.name,
		"WOODY_SLOW_QUERY_DELAY=5ms", "WOODY_HEAVY_DELAY=20ms", "WOODY_ORDER_WORKERS=1", "WOODY_LOG_FORMAT=text",
		"WOODY_CACHE_LEASE=" + r.system.lease.String(), "CACHE_BROKEN=" + r.system.rules, "WOODY_DB_TIMEOUT=3s",
		"WOODY_QUEUE_TIMEOUT=3s",
	}, settings)
	r.mu.Lock()
	r.starts++
	log := filepath.Join(r.system.dir, fmt.Sprintf("%s.%d", r.name, r.starts))
	r.mu.Unlock()
	process, err := programs.StartShop(exec.Command(program), log, settings...)
	if process != nil {
		r.mu.Lock()
		r.process = process
		r.mu.Unlock()
	}
	return err
}

func (r *replica) running() *programs.Shop {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.process
}

func (r *replica) kill() {
	if p := r.running(); p != nil {
		p.Kill()
	}
}

// awaitDeath waits until the process has ended by itself.
func (r *replica) awaitDeath(timeout time.Duration) bool {
	select {
	case <-r.running().Done():
		return true
	case <-time.After(timeout):
		return false
	}
}

// isDead reports whether the process has ended.
func (r *replica) isDead() bool {
	select {
	case <-r.running().Done():
		return true
	default:
		return false
	}
}
