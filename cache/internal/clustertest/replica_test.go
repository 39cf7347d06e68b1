package clustertest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/cluster"
	"github.com/woodytoys/woodytoys/cache/ledger"
	"github.com/woodytoys/woodytoys/cache/outbox"
	"github.com/woodytoys/woodytoys/cache/promcache"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// settings are what a replica process is started with, as JSON in its environment.
type settings struct {
	Name, DSN, Redis string
	Sentinels        []string // instead of Redis
	NoNear           bool
	Namespace        string // of the ledger. Default: toys
	Instance         string
	RedisDB          int
	Cluster          bool // the database is said to be a cluster behind a proxy
	NoIdle           bool // rows are read by connections that lead where the address leads now
	// Patient is for tests in which nothing fails but what they kill: a slow machine is not to be taken
	// for a failure.
	Patient                   bool
	Lease, FillLease, Timeout time.Duration // default: lease, 1s and 250ms
	AckTimeout                time.Duration // default: 250ms
	TTL, MaxStale             time.Duration // default: a minute, and none
}

const (
	lease     = time.Second
	replicaOf = "CACHETEST_REPLICA"
)

// replica is a program that keeps rows of a table, on this program's command: see its handlers.
type replica struct {
	name string
	db   *database
	box  *outbox.Outbox
	// ledger is box, for the cache.
	ledger *heldLedger
	cache  *cache.Cache
	rows   *cache.Loader[int64]
	reg    *prometheus.Registry

	mu    sync.Mutex
	holds map[string]chan struct{} // loads that wait to be released
	loads map[string]int           // under way now
	most  int                      // of one key at a time
}

// serveIfReplica makes this process a replica, for ever, if it was started as one.
func serveIfReplica() {
	text, found := os.LookupEnv(replicaOf)
	if !found {
		return
	}
	var s settings
	err := json.Unmarshal([]byte(text), &s)
	if err == nil {
		err = serve(s)
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func serve(s settings) error {
	db, err := openDatabase(s.DSN)
	if err != nil {
		return err
	}
	if s.NoIdle {
		db.SetMaxIdleConns(-1)
	}
	ledger, err := openDatabase(s.DSN)
	if err != nil {
		return err
	}
	mysql.SetLogger(&mysql.NopLogger{})
	box, err := outbox.New(outbox.Config{
		DB: ledger.DB, Namespace: cmp.Or(s.Namespace, "toys"), Dialect: ledger.dialect, Direct: !s.Cluster,
		Cluster: s.Cluster,
	})
	if err != nil {
		return err
	}
	if err := box.Migrate(context.Background()); err != nil {
		return err
	}
	bounds := cluster.Config{Lease: cmp.Or(s.Lease, lease), FillLease: s.FillLease, Timeout: s.Timeout,
		AckTimeout: s.AckTimeout}
	if s.Patient {
		bounds.Lease, bounds.AckTimeout, bounds.Timeout = 20*lease, 10*time.Second, 10*time.Second
	}
	r := &replica{name: s.Name, db: db, box: box, reg: prometheus.NewRegistry(), holds: map[string]chan struct{}{},
		loads: map[string]int{}}
	r.ledger = &heldLedger{Ledger: box, tooSlow: bounds.Lease / 4}
	bounds.Redis = &redis.UniversalOptions{Addrs: []string{s.Redis}, DB: s.RedisDB}
	bounds.Instance, bounds.Ledger, bounds.Replica = s.Instance, r.ledger, s.Name
	if s.Sentinels != nil {
		bounds.Redis = &redis.UniversalOptions{Addrs: s.Sentinels, MasterName: servers.MasterName}
	}
	// No bound of go-redis is to be used: it would show.
	bounds.Redis.DialTimeout, bounds.Redis.ReadTimeout = time.Hour, time.Hour
	bounds.Redis.WriteTimeout, bounds.Redis.PoolTimeout = time.Hour, time.Hour
	bounds.Logger = slog.New(slog.NewTextHandler(os.Stderr, nil))
	r.cache, err = cache.New(cache.Config{NoNear: s.NoNear, Cluster: &bounds})
	if err != nil {
		return err
	}
	r.reg.MustRegister(promcache.New("", r.cache))
	if r.rows, err = cache.NewLoader[int64](r.cache, cache.Options{
		Name: "row", TTL: cmp.Or(s.TTL, time.Minute), MaxStale: s.MaxStale,
	}); err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /row/{key}", r.handleRead)
	mux.HandleFunc("POST /row/{key}", r.handleWrite)
	mux.HandleFunc("GET /rows/{keys}", r.handleReadMany)
	mux.HandleFunc("POST /clear", r.handleClear)
	mux.HandleFunc("POST /release/{hold}", r.handleRelease)
	mux.HandleFunc("POST /hold-ledger", func(http.ResponseWriter, *http.Request) { r.ledger.hold() })
	mux.HandleFunc("GET /metric/{name}", r.handleMetric)
	mux.HandleFunc("GET /most", r.handleMost)
	ln, err := servers.SelfSocket()
	if err != nil {
		return err
	}
	return http.Serve(ln, mux)
}

// heldLedger can be told to be slow, as if the replica's beat were yet to come: after hold, it is not read before the
// next last look. It notes when it is slow by itself.
type heldLedger struct {
	ledger.Ledger
	tooSlow time.Duration // a beat lies between two readings; this is longer

	mu     sync.Mutex
	held   chan struct{}
	asked  time.Time // when the last reading was that was answered
	slowAt time.Time // when a call was last so slow, or a reading came so long after the one before
}

func (l *heldLedger) hold() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = make(chan struct{})
}

func (l *heldLedger) Read(ctx context.Context, grace time.Duration) (ledger.State, []ledger.Record, error) {
	l.mu.Lock()
	held, before := l.held, l.asked
	l.mu.Unlock()
	asked := time.Now()
	defer l.time(before)
	if held != nil {
		select {
		case <-held:
		case <-ctx.Done():
			return ledger.State{}, nil, ctx.Err()
		}
	}
	state, left, err := l.Ledger.Read(ctx, grace)
	if err == nil {
		l.mu.Lock()
		l.asked = asked
		l.mu.Unlock()
	}
	return state, left, err
}

// time notes whether what began then and ends now was too slow.
func (l *heldLedger) time(began time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now(); now.Sub(began) > l.tooSlow {
		l.slowAt = now
	}
}

// wasSlow reports whether the ledger has been slow since began: then it may be that a write is not acknowledged.
func (l *heldLedger) wasSlow(began time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.slowAt.After(began)
}

func (l *heldLedger) Bump(ctx context.Context, least ledger.State) (ledger.State, error) {
	defer l.time(time.Now())
	return l.Ledger.Bump(ctx, least)
}

func (l *heldLedger) HasBump(ctx context.Context, token string) (bool, error) {
	defer l.time(time.Now())
	return l.Ledger.HasBump(ctx, token)
}

func (l *heldLedger) Look(ctx context.Context) (ledger.State, error) {
	defer l.time(time.Now())
	state, err := l.Ledger.Look(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held != nil {
		close(l.held)
		l.held = nil
	}
	return state, err
}

// handleRead writes a row's version and how the cache came by it. The load takes ?slow=TIME before it
// reads; with ?hold=NAME it says in the table held that it has read, and keeps that until it is released. With ?fail=1
// it has lost the database by then.
func (r *replica) handleRead(w http.ResponseWriter, request *http.Request) {
	key := request.PathValue("key")
	slow, _ := time.ParseDuration(request.FormValue("slow"))
	hold, fail := request.FormValue("hold"), request.FormValue("fail") != ""
	version, info, err := r.rows.Get(request.Context(), r.rows.Key(key), []string{"row:" + key},
		func(ctx context.Context, fill *cache.Fill) (int64, error) {
			defer r.loading(key)()
			if _, err := r.db.Exec("INSERT INTO fill (k, replica) VALUES (?, ?)", key, r.name); err != nil {
				return 0, err
			}
			select {
			case <-time.After(slow):
			case <-ctx.Done(): // nobody waits any more
				return 0, ctx.Err()
			}
			var version int64
			err := r.db.QueryRow("SELECT version FROM row_of WHERE k = ?", key).Scan(&version)
			if hold != "" {
				if _, err := r.db.Exec("INSERT INTO held VALUES (?)", hold); err != nil {
					return 0, err
				}
				<-r.hold(hold)
			}
			if fail {
				return 0, errors.New("the database is away")
			}
			return version, err
		})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprintf(w, "%d %d %d %t", version, info.Reason, info.Shared, info.Stale)
}

// hold returns a channel that is closed when a name is released.
func (r *replica) hold(name string) chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.holds[name] == nil {
		r.holds[name] = make(chan struct{})
	}
	return r.holds[name]
}

func (r *replica) handleRelease(w http.ResponseWriter, request *http.Request) {
	close(r.hold(request.PathValue("hold")))
}

// loading counts a load of a key, until what it returns is called.
func (r *replica) loading(key string) (ended func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.loads[key]++
	r.most = max(r.most, r.loads[key])
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.loads[key]--
	}
}

// handleMost writes how many loads of one key there were at a time, at the most.
func (r *replica) handleMost(w http.ResponseWriter, _ *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprint(w, r.most)
}

// handleWrite raises a row's version and returns the new one, once every replica knows. With ?die=STEP
// the process is gone (-9) at that step.
func (r *replica) handleWrite(w http.ResponseWriter, request *http.Request) {
	began := time.Now()
	version, err := r.write(request.PathValue("key"), request.FormValue("die"))
	if err != nil {
		r.refuse(w, err, began)
		return
	}
	fmt.Fprint(w, version)
}

// refuse writes the error of a write, with 503 where the ledger was slow meanwhile: then the protocol promises no
// acknowledgement.
func (r *replica) refuse(w http.ResponseWriter, err error, began time.Time) {
	status := http.StatusInternalServerError
	if r.ledger.wasSlow(began) {
		status = http.StatusServiceUnavailable
	}
	http.Error(w, err.Error(), status)
}

// dieSteps are the steps at which a writer can be told to die.
var dieSteps = []string{"begun", "written", "recorded", "committed", "settled"}

func (r *replica) write(key, die string) (version int64, err error) {
	at := func(step string) {
		if step == die {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	ctx := context.Background()
	tx, err := r.db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	at("begun")
	if _, err := tx.Exec(r.db.sql("UPDATE row_of SET version = version + 1 WHERE k = ?"), key); err != nil {
		return 0, err
	}
	if err := tx.QueryRow(r.db.sql("SELECT version FROM row_of WHERE k = ?"), key).Scan(&version); err != nil {
		return 0, err
	}
	at("written")
	record, err := r.box.Record(ctx, tx, "row:"+key)
	if err != nil {
		return 0, err
	}
	at("recorded")
	if err := tx.Commit(); err != nil {
		return 0, err
	}
	at("committed")
	err = r.cache.Settle(record, "row:"+key)
	at("settled")
	return version, err
}

// handleMetric writes a metric of the cache, its labels added up.
func (r *replica) handleMetric(w http.ResponseWriter, request *http.Request) {
	families, err := r.reg.Gather()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	sum, found := 0.0, false
	for _, family := range families {
		if family.GetName() == "cache_"+request.PathValue("name") {
			found = true
			for _, m := range family.GetMetric() {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	if !found {
		http.Error(w, "there is no such metric", http.StatusNotFound)
		return
	}
	fmt.Fprint(w, strconv.FormatFloat(sum, 'f', -1, 64))
}
