package clustertest

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/servers"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// mariadb is one server for all tests; each has a database of its own.
var mariadb *servers.MariaDB

func TestMain(m *testing.M) {
	serveIfReplica()
	servertest.MainWithMariaDB(m, &mariadb)
}

// system is replicas and what they share.
type system struct {
	t        *testing.T
	mariadb  *servers.MariaDB
	redis    *servers.Redis
	db       *database
	dsn      string
	replicas []*process
}

// process is a replica, behind a wire to Redis of its own.
type process struct {
	*servers.Process
	t    *testing.T
	url  string
	wire *servers.Wire
}

// mustStart starts n replicas, and waits until each may answer from its cache.
func mustStart(t *testing.T, n int) *system {
	t.Helper()
	return mustStartOn(t, mariadb, n)
}

// mustStartMariaDB starts a database server for one test, which may do with it what it likes.
func mustStartMariaDB(t *testing.T) *servers.MariaDB {
	t.Helper()
	return servertest.MustStartMariaDB(t)
}

// mustStartOn is like mustStart, on another database server.
func mustStartOn(t *testing.T, mariadb *servers.MariaDB, n int) *system {
	t.Helper()
	s := mustStartAt(t, servertest.MustMakeDatabase(t, mariadb))
	s.mariadb = mariadb
	s.mustStartReplicas(n, settings{})
	return s
}

// mustStartAt starts all but the replicas, whose database is at dsn.
func mustStartAt(t *testing.T, dsn string) *system {
	t.Helper()
	s := &system{t: t, dsn: dsn}
	var err error
	if s.redis, err = servers.StartRedis(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.redis.Close)
	if s.db, err = openDatabase(s.dsn); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.db.Close() })
	s.mustExec("CREATE TABLE row_of (k VARCHAR(50) PRIMARY KEY, version BIGINT NOT NULL)")
	s.mustExec("CREATE TABLE fill (k VARCHAR(50), replica VARCHAR(50))")
	s.mustExec("CREATE TABLE held (hold VARCHAR(50))")
	s.mustExec("INSERT INTO row_of VALUES ('a', 1), ('b', 1), ('c', 1)")
	return s
}

// mustStartReplicas starts n more replicas of the same settings.
func (s *system) mustStartReplicas(n int, with settings) {
	s.t.Helper()
	for range n {
		with.Name = fmt.Sprintf("r%d", len(s.replicas))
		s.replicas = append(s.replicas, s.mustStartReplica(with))
	}
	for _, r := range s.replicas {
		await(s.t, "the replica has a lease", servers.Patience, func() bool {
			if strings.Contains(r.Log(), foreign) {
				s.t.Fatal("the replica gets no lease: ", foreign)
			}
			return r.isLive()
		})
	}
}

func (s *system) mustExec(statement string, args ...any) {
	s.t.Helper()
	if _, err := s.db.Exec(statement, args...); err != nil {
		s.t.Fatalf("%s: %v", statement, err)
	}
}

// fills counts the loads of a key, on all replicas.
func (s *system) fills(key string) int {
	s.t.Helper()
	return s.mustCount("SELECT COUNT(*) FROM fill WHERE k = ?", key)
}

func (s *system) mustCount(query string, args ...any) (n int) {
	s.t.Helper()
	if err := s.db.QueryRow(query, args...).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}

// key returns the name in Redis of what the replicas share, where their ledger is their instance: "state" or
// "members".
func (s *system) key(name string) string {
	s.t.Helper()
	var ledger string
	if err := s.db.QueryRow("SELECT ledger FROM toys_cache").Scan(&ledger); err != nil {
		s.t.Fatal(err)
	}
	return "toys:2:" + ledger + ":" + name
}

func (s *system) mustStartReplica(with settings) *process {
	s.t.Helper()
	wire, err := servers.StartWire(s.redis.Addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(wire.Close)
	with.DSN, with.Redis = cmp.Or(with.DSN, s.dsn), wire.Addr
	text, err := json.Marshal(with)
	if err != nil {
		s.t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), replicaOf+"="+string(text))
	log := filepath.Join(s.t.TempDir(), with.Name)
	p, addr, err := servers.StartOnSocket(cmd, log)
	if err != nil {
		s.t.Fatal(err)
	}
	r := &process{Process: p, t: s.t, url: "http://" + addr, wire: wire}
	s.t.Cleanup(func() {
		if s.t.Failed() {
			s.t.Logf("%s:\n%s", with.Name, p.Log())
		}
		p.Kill()
	})
	err = p.AwaitReady(servers.Patience, func() error {
		_, err := r.call(http.MethodGet, "/most")
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// response is a replica's response for a row.
type response struct {
	version, reason, shared int
	stale                   bool
}

// read asks a replica for a row; query is empty or begins with "?".
func (r *process) read(key, query string) (a response, err error) {
	text, err := r.call(http.MethodGet, "/row/"+key+query)
	if err != nil {
		return a, err
	}
	_, err = fmt.Sscan(text, &a.version, &a.reason, &a.shared, &a.stale)
	return a, err
}

func (r *process) mustRead(key string) response {
	r.t.Helper()
	a, err := r.read(key, "")
	if err != nil {
		r.t.Fatal(err)
	}
	return a
}

// wantRead fails the test unless a row has this version at least.
func (r *process) wantRead(key string, version int) {
	r.t.Helper()
	if a := r.mustRead(key); a.version < version {
		r.t.Errorf("a read after the acknowledged write of version %d got %d (%+v)", version, a.version, a)
	}
}

// write raises a row's version. Where it fails, the row may have been written all the same.
func (r *process) write(key, query string) (version int, err error) {
	text, err := r.call(http.MethodPost, "/row/"+key+query)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(text)
}

// mustWrite returns the version of the write that was acknowledged.
func (r *process) mustWrite(key string) (version int) {
	r.t.Helper()
	text, err := r.insist("/row/" + key)
	if err == nil {
		version, err = strconv.Atoi(text)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return version
}

// mustHold makes a replica fill a key, and once it has read holds the fill until mustRelease of the same name.
// What the caller gets at last is sent.
func (s *system) mustHold(filler *process, key, hold string) <-chan response {
	s.t.Helper()
	got := make(chan response, 1)
	go func() {
		a, _ := filler.read(key, "?hold="+hold)
		got <- a
	}()
	await(s.t, "the fill has read", servers.Patience, func() bool {
		return s.mustCount("SELECT COUNT(*) FROM held WHERE hold = ?", hold) == 1
	})
	return got
}

func (r *process) mustRelease(hold string) {
	r.t.Helper()
	if _, err := r.call(http.MethodPost, "/release/"+hold); err != nil {
		r.t.Fatal(err)
	}
}

func (r *process) metric(name string) float64 {
	r.t.Helper()
	text, err := r.call(http.MethodGet, "/metric/"+name)
	if err != nil {
		r.t.Fatal(err)
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		r.t.Fatal(err)
	}
	return value
}

// await waits until a condition holds.
func await(t *testing.T, what string, timeout time.Duration, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(timeout); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v", what, timeout)
		}
	}
}

func (r *process) awaitLive() {
	r.t.Helper()
	await(r.t, "the replica has a lease", servers.Patience, r.isLive)
}

func (r *process) isLive() bool { return r.metric("lease_seconds") > 0 }

// foreign is what a replica logs whose names at Redis are those of a program with another database.
const foreign = "another database is using the same names"

func containsAll(text string, parts ...string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

// errSlow is a write that was not acknowledged while the replica's ledger was slow.
var errSlow = errors.New("the ledger was slow")

// insist posts until that is acknowledged. A machine that stalls a replica or the database may keep the protocol from
// promising that every replica knows: whoever wrote is told, and writes again.
func (r *process) insist(path string) (text string, err error) {
	for deadline := time.Now().Add(servers.Patience); ; {
		text, err = r.call(http.MethodPost, path)
		if !errors.Is(err, errSlow) || time.Now().After(deadline) {
			return text, err
		}
		r.t.Logf("POST %s: %v", path, err)
	}
}

// client bounds what a test waits for: longer than any bound of the protocol.
var client = &http.Client{Timeout: servers.Patience, Transport: &http.Transport{MaxIdleConnsPerHost: 400}}

func (r *process) call(method, path string) (string, error) {
	request, err := http.NewRequest(method, r.url+path, nil)
	if err != nil {
		return "", err
	}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, body)
		if response.StatusCode == http.StatusServiceUnavailable {
			err = fmt.Errorf("%w: %w", errSlow, err)
		}
	}
	return string(body), err
}
