package drill

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/programs"
	"github.com/woodytoys/woodytoys/internal/servers"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// stage is everything that runs: three replicas and a place for a fourth, and who watches them.
type stage struct {
	disk     *servers.Disk // the database's, and nobody else's
	database *servers.MariaDB
	dsn      string
	wire     *servers.Wire // the replicas' way to the database
	through  string        // the DSN by it
	redis    *servers.Redis
	replicas []*replica
	audited  *replica // one that the proxy does not know
	front    *process
	edge     *programs.Varnish
	proxy    *programs.HAProxy

	machine    *machine
	observer   *observer
	pager      *pager
	prometheus *servers.Prometheus
	watched    map[string][]string // the addresses of each service's figures
}

// process is a program of ours that always listens at the same address.
type process struct {
	*servers.Process
	addr     string
	settings []string // what it has of its own
	start    func(settings []string) (*servers.Process, error)
}

func (p *process) mustStart(t *testing.T) {
	t.Helper()
	started, err := p.start(p.settings)
	if err != nil {
		t.Fatal(err)
	}
	p.Process = started
}

// end kills what runs, if anything does.
func (p *process) end() {
	if p.Process != nil {
		p.Kill()
	}
}

// replica is a replica of the API, with an address for its metrics.
type replica struct {
	process
	admin string
}

// mustEnd ends a replica as Swarm does.
func (r *replica) mustEnd(t *testing.T) {
	t.Helper()
	r.Stop(servers.Patience)
	if err := r.Wait(); err != nil {
		t.Errorf("a replica ends with %v\n%s", err, r.Log())
	}
}

func mustStartStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{watched: map[string][]string{}}
	built := make(chan error, 1)
	dir := t.TempDir()
	api, front := filepath.Join(dir, "api"), filepath.Join(dir, "front")
	go func() { built <- errors.Join(programs.BuildShop(api), programs.BuildFront(front)) }()
	s.mustStartStores(t)
	if err := <-built; err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"one", "two", "three", "four"} {
		s.replicas = append(s.replicas, s.mustPlaceReplica(t, api, name))
	}
	s.audited = s.mustPlaceReplica(t, api, "audited")
	for _, r := range s.replicas[:3] {
		r.mustStart(t)
	}
	s.front = &process{addr: mustFind(t)}
	s.front.start = func([]string) (*servers.Process, error) {
		f, err := programs.StartFront(exec.Command(front), filepath.Join(dir, "front.log"), "WOODY_ADDR="+s.front.addr,
			"WOODY_API_URL=http://"+s.replicas[0].addr)
		if err != nil {
			return nil, err
		}
		return f.Process, nil
	}
	t.Cleanup(s.front.end)
	s.front.mustStart(t)
	s.mustStartEdges(t)
	s.mustWatch(t)
	return s
}

// mustStartStores starts the database, on a disk of its own, and Redis.
func (s *stage) mustStartStores(t *testing.T) {
	t.Helper()
	var err error
	s.disk, err = servers.MountDisk(t.TempDir(), 384<<20)
	if errors.Is(err, os.ErrPermission) && os.Getenv("CI") == "" {
		t.Skip("only root may mount the small disk that this test fills: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.disk.Close(); err != nil {
			t.Error(err)
		}
	})
	usual := os.TempDir()
	t.Setenv("TMPDIR", s.disk.Dir)
	s.database = servertest.MustStartMariaDB(t, fmt.Sprint("--max-connections=", connections), "--performance-schema=0")
	t.Setenv("TMPDIR", usual)
	s.dsn = servertest.MustMakeDatabase(t, s.database)
	if s.wire, s.through, err = s.database.StartWire(s.dsn); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.wire.Close)
	s.redis = servertest.MustStartRedis(t, "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru")
}

// mustPlaceReplica gives a replica its addresses.
func (s *stage) mustPlaceReplica(t *testing.T, program, name string) *replica {
	t.Helper()
	log := filepath.Join(t.TempDir(), "log")
	r := &replica{process: process{addr: mustFind(t)}, admin: mustFind(t)}
	r.start = func(settings []string) (*servers.Process, error) {
		shop, err := programs.StartShop(exec.Command(program), log, append([]string{
			"WOODY_REPLICA_ID=" + name, "WOODY_ADDR=" + r.addr, "WOODY_ADMIN_ADDR=" + r.admin,
			"WOODY_DB_DSN=" + s.through, "WOODY_DB_DIRECT=on", "WOODY_REDIS_ADDR=" + s.redis.Addr,
			"WOODY_SLOW_QUERY_DELAY=20ms", "WOODY_HEAVY_DELAY=20ms", "WOODY_DRAIN_DELAY=3s", "GOMEMLIMIT=400MiB",
			// A slow machine is not to be taken for a lost Redis or replica.
			"WOODY_REDIS_TIMEOUT=1s", "WOODY_ACK_TIMEOUT=1s", "WOODY_CACHE_LEASE=2s",
		}, settings...)...)
		if err != nil {
			return nil, err
		}
		return shop.Process, nil
	}
	t.Cleanup(r.end)
	return r
}

// mustStartEdges starts what stands in front of the replicas.
func (s *stage) mustStartEdges(t *testing.T) {
	t.Helper()
	var err error
	if s.edge, err = programs.StartVarnish([]string{s.front.addr}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.edge.Close)
	var api []string
	for _, r := range s.replicas {
		api = append(api, r.addr)
	}
	s.proxy, err = programs.StartHAProxy(programs.HAProxyConfig{
		API: api, Front: []string{s.front.addr}, CDN: []string{s.edge.Addr}, NoAccessLog: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.proxy.Close)
}

// mustWatch starts the exporters, the observer's page, Alertmanager and Prometheus.
func (s *stage) mustWatch(t *testing.T) {
	t.Helper()
	s.machine, s.observer, s.pager = mustStartMachine(t, s.disk), mustStartObserver(t), mustStartPager(t)
	for service, start := range map[string]func() (*servers.Exporter, error){
		"database-exporter": s.database.StartExporter,
		"redis-exporter":    s.redis.StartExporter,
		"node-exporter":     func() (*servers.Exporter, error) { return servers.StartNodeExporter(s.machine.procfs) },
		"cdn":               func() (*servers.Exporter, error) { return servers.StartVarnishExporter(s.edge.Dir()) },
	} {
		exporter, err := start()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(exporter.Close)
		s.watched[service] = []string{exporter.Addr}
	}
	alertmanager, err := servers.StartAlertmanager(alertmanagerConfig(s.pager.URL))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(alertmanager.Close)
	s.watched["alertmanager"] = []string{alertmanager.Addr}
	s.watched["observer"] = []string{s.observer.addr}
	s.watched["reverse-proxy"] = []string{s.proxy.MetricsURL[len("http://"):]}
	s.prometheus, err = servers.StartPrometheus(func(addr string) map[string]string {
		s.watched["prometheus"] = []string{addr}
		return s.mustFiles(t, 3, s.replicas[:3])
		// After a reload it knows no Alertmanager for a moment: what it says then is to be said again soon.
	}, "--rules.alert.resend-delay=2s")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.prometheus.Close)
}

// mustFiles returns the files of Prometheus, by which so many replicas are expected and these are found.
func (s *stage) mustFiles(t *testing.T, expected int, found []*replica) map[string]string {
	t.Helper()
	s.watched["api"] = nil
	for _, r := range found {
		s.watched["api"] = append(s.watched["api"], r.admin)
	}
	return map[string]string{"prometheus.yml": mustConfigure(t, s.watched), "rules.yml": mustRender(t, expected)}
}

// mustFindReplicas has Prometheus find these replicas from now on, as by DNS, and expect so many.
func (s *stage) mustFindReplicas(t *testing.T, expected int, found ...*replica) {
	t.Helper()
	if err := s.prometheus.Reload(s.mustFiles(t, expected, found)); err != nil {
		t.Fatal(err)
	}
}

// but returns the three replicas without one, and with others.
func (s *stage) but(without *replica, with ...*replica) []*replica {
	left := slices.DeleteFunc(slices.Clone(s.replicas[:3]), func(r *replica) bool { return r == without })
	return append(left, with...)
}

func mustFind(t *testing.T) string {
	t.Helper()
	port, err := servers.FreePort("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	return "127.0.0.1:" + port
}

// awaitTruth waits until a query of Prometheus is worth something, for as long as a busy machine may take.
func (s *stage) awaitTruth(t *testing.T, promql string) {
	t.Helper()
	err := s.prometheus.AwaitReady(servers.Patience, func() error {
		samples, err := s.prometheus.Query(promql)
		if err == nil && len(samples) == 0 {
			err = errors.New("not yet: " + promql)
		}
		time.Sleep(100 * time.Millisecond)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
