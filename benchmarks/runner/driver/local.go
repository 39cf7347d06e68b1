package driver

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/machine"
	"github.com/woodytoys/woodytoys/benchmarks/stage"
	"github.com/woodytoys/woodytoys/internal/programs"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// Local brings stages up as processes of this machine, each on a free port of the loopback, from the
// configuration that ships. One database server serves all stages, each with a database of its own.
type Local struct {
	// API and Front are the programs; New builds them where they are not given.
	API, Front string

	dir      string
	observer string // the program, once it is built
	mariadb  *servers.MariaDB
	queries  *sql.DB
	lost     func(error)
	ends     []func() // what ends what was started, in the order of starting
	closeDB  func()
	rounds   int
	slices   *machine.Slices
}

// NewLocal builds the programs that are not given and starts the database server. lost is called, from
// any goroutine, when a component ends by itself.
func NewLocal(ctx context.Context, api, front string, lost func(error)) (*Local, error) {
	dir, err := os.MkdirTemp("", "woody-bench")
	if err != nil {
		return nil, err
	}
	l := &Local{API: api, Front: front, dir: dir, lost: lost}
	if err := l.open(ctx); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

func (l *Local) open(ctx context.Context) (err error) {
	for _, program := range []struct {
		file  *string
		name  string
		build func(string) error
	}{{&l.API, "api", func(file string) error { return programs.BuildShop(file) }},
		{&l.Front, "front", programs.BuildFront}} {
		if *program.file != "" {
			if *program.file, err = exec.LookPath(*program.file); err != nil {
				return err
			}
			*program.file, err = filepath.Abs(*program.file)
		} else {
			*program.file = filepath.Join(l.dir, program.name)
			err = program.build(*program.file)
		}
		if err != nil || ctx.Err() != nil {
			return errors.Join(err, context.Cause(ctx))
		}
	}
	if l.mariadb, err = servers.StartMariaDB(); err != nil {
		return err
	}
	l.closeDB = l.watch("the database", l.mariadb.Process, l.mariadb.Close)
	cfg, err := mysql.ParseDSN(l.mariadb.DSN(""))
	if err != nil {
		return err
	}
	cfg.Logger = &mysql.NopLogger{} // watch reports that the database is gone
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return err
	}
	l.queries = sql.OpenDB(connector)
	return nil
}

// watch reports a component that ends before it was asked to. It returns a function that asks it to.
func (l *Local) watch(name string, process *servers.Process, end func()) func() {
	var asked atomic.Bool
	go func() {
		err := process.Wait()
		if !asked.Load() {
			l.lost(fmt.Errorf("%s ended: %w; its last words:\n%s", name, orExited(err), tail(process.Log())))
		}
	}()
	return func() {
		asked.Store(true)
		end()
	}
}

func orExited(err error) error {
	if err == nil {
		return errors.New("exit status 0")
	}
	return err
}

func tail(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], "\n")
}

// Start brings a stage up. It stays up until End.
func (l *Local) Start(ctx context.Context, s stage.Stage, cfg Config) (*Running, error) {
	l.rounds++
	running, err := l.start(s, fmt.Sprintf("%s%d", s.Name, l.rounds), cfg)
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("stage %s: %w", s.Name, err)
	}
	return running, nil
}

func (l *Local) start(s stage.Stage, unique string, cfg Config) (*Running, error) {
	running := &Running{Name: s.Name}
	add := func(part string, process *servers.Process, end func()) {
		l.ends = append(l.ends, l.watch(part+" of stage "+s.Name, process, end))
		running.Parts = addPart(running.Parts, part, process.PID())
	}
	dsns, err := l.startDatabase(s, running, add)
	if err != nil {
		return nil, err
	}
	settings := append(append(cfg.settings(), "WOODY_FRONT=off", "WOODY_LOG_LEVEL=warn",
		"WOODY_ADMIN_ADDR=127.0.0.1:0"),
		dsns...)
	if s.Redis {
		redis, err := servers.StartRedis()
		if err != nil {
			return nil, err
		}
		add("redis", redis.Process, redis.Close)
		running.redis = redis
		settings = append(settings, "WOODY_REDIS_ADDR="+redis.Addr)
	}
	for i := range s.Replicas(cfg.Replicas) {
		id := fmt.Sprintf("%s-%d", s.Name, i+1)
		shop, err := programs.StartShop(exec.Command(l.API),
			filepath.Join(l.dir, fmt.Sprintf("%s-%d.log", unique, i+1)), append(settings, "WOODY_REPLICA_ID="+id)...)
		if err != nil {
			return nil, err
		}
		add("api", shop.Process, func() { shop.Stop(2 * time.Second) })
		running.Replicas = append(running.Replicas, shop.Addr())
		running.Admin = append(running.Admin, shop.AdminURL)
	}
	frontSettings := []string{"WOODY_API_URL=http://" + running.Replicas[0],
		fmt.Sprintf("WOODY_FRONT_LIMIT_RATE=%d", cfg.Uplink), "WOODY_LOG_LEVEL=info"}
	if s.Edge {
		frontSettings = append(frontSettings, "WOODY_CDN_URL=http://cdn.{host}")
	}
	front, err := programs.StartFront(exec.Command(l.Front), filepath.Join(l.dir, unique+"-front.log"),
		frontSettings...)
	if err != nil {
		return nil, err
	}
	add("front", front.Process, func() { front.Stop(2 * time.Second) })
	proxyConfig := programs.HAProxyConfig{API: running.Replicas, Front: []string{front.Addr}, NoAccessLog: true}
	if s.Edge {
		edge, err := programs.StartVarnish([]string{front.Addr})
		if err != nil {
			return nil, err
		}
		add("edge", edge.Process, edge.Close)
		proxyConfig.CDN = []string{edge.Addr}
	}
	proxy, err := programs.StartHAProxy(proxyConfig)
	if err != nil {
		return nil, err
	}
	add("proxy", proxy.Process, proxy.Close)
	running.Addr, running.metrics = proxy.Addr(), strings.TrimPrefix(proxy.MetricsURL, "http://")
	_, port, _ := strings.Cut(running.Addr, ":")
	running.PageURL = "http://localhost:" + port + "/"
	return running, nil
}

// Hosts implements Driver: they are all this machine's.
func (l *Local) Hosts() []string { return nil }

// End ends all stages, last started first, and leaves the database server for the next ones.
func (l *Local) End() {
	l.endBut(0)
	if l.slices != nil {
		_ = l.slices.Close() // an empty group does no harm
	}
}

// endBut ends what was started, last started first, but the first few.
func (l *Local) endBut(first int) {
	for last := len(l.ends) - 1; last >= first; last-- {
		l.ends[last]()
		l.ends = l.ends[:last]
	}
}

// Slice implements Driver, by control groups.
func (l *Local) Slice(running *Running, component string, cores float64) (err error) {
	if l.slices == nil {
		if l.slices, err = machine.OpenSlices(); err != nil {
			return err
		}
	}
	for _, part := range running.Parts {
		if part.Name != component {
			continue
		}
		for _, pid := range part.PIDs {
			if err := l.slices.Give(pid, cores); err != nil {
				return err
			}
		}
	}
	return nil
}

// Close ends everything and removes its files.
func (l *Local) Close() {
	l.End()
	if l.queries != nil {
		l.queries.Close()
	}
	if l.closeDB != nil {
		l.closeDB()
	}
	os.RemoveAll(l.dir)
}
