package main

import (
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/woodytoys/woodytoys/internal/programs"
	"github.com/woodytoys/woodytoys/internal/serving"
)

// The test binary is also the program under test: with asProgram set it is api itself.
const asProgram = "WOODYTEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Unsetenv(asProgram)
		main()
		return
	}
	os.Exit(m.Run())
}

// command returns the command api with these settings ("WOODY_X=…") and arguments.
func command(settings []string, args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(append(os.Environ(), asProgram+"=1"), settings...)
	return cmd
}

// replica is a running api process.
type replica struct{ *programs.Shop }

// startReplica starts this program on a data folder in dir.
func startReplica(dir string, settings ...string) (*replica, error) {
	settings = append([]string{"WOODY_DATA_DIR=" + filepath.Join(dir, "data"), "WOODY_FRONT=off"}, settings...)
	shop, err := programs.StartShop(command(nil), filepath.Join(dir, "log"), settings...)
	return &replica{shop}, err
}

// metricsURL returns where the replica announced that its metrics are.
func (r *replica) metricsURL() string { return r.AdminURL + "/metrics" }

func mustStartReplica(t *testing.T, settings ...string) *replica {
	t.Helper()
	r, err := startReplica(t.TempDir(), settings...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Kill)
	return r
}

func mustGet(t *testing.T, url string) (status int, body string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(content)
}

func TestHelpListsEverySetting(t *testing.T) {
	help, err := command(nil, "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"WOODY_ADDR", "WOODY_ADMIN_ADDR", "WOODY_DB_DSN", "WOODY_DB_DSN_FILE", "WOODY_DATA_DIR", "WOODY_DB_POOL",
		"WOODY_DB_DIRECT", "WOODY_DB_READ_DSN", "WOODY_DB_READ_DSN_FILE", "WOODY_DB_MIGRATE_DSN",
		"WOODY_HEAVY_DELAY", "WOODY_HEAVY_SLOTS", "WOODY_SLOW_QUERY_DELAY", "WOODY_ORDER_WORKERS",
		"WOODY_RESERVE_FOR", "WOODY_REPLICA_ID", "WOODY_ACCOUNTS", "WOODY_AUDIT_LOG", "WOODY_ADMIN_PASSWORD_FILE",
		"WOODY_DRAIN_DELAY", "WOODY_DRAIN_TIMEOUT", "WOODY_SQLITE_SYNC", "WOODY_REDIS_ADDR", "WOODY_REDIS_SENTINELS",
		"WOODY_REDIS_MASTER", "WOODY_REDIS_SENTINEL_PASSWORD_FILE", "WOODY_REDIS_TLS", "WOODY_REDIS_CA_FILE",
		"WOODY_TOKEN_KEYS_FILES", "WOODY_TRUSTED_PROXIES", "WOODY_LOG_LEVEL", "WOODY_LOG_FORMAT",
		"WOODY_LISTENING_FILE",
	} {
		if !strings.Contains(string(help), "$"+name) {
			t.Errorf("--help does not tell of %s", name)
		}
	}
	onOneLine := strings.Join(strings.Fields(string(help)), " ")
	for _, value := range []string{":8080", "localhost:8081", "data", "8", "500ms", "1500ms", "64M"} {
		if !strings.Contains(onOneLine, "Default: "+value+".") {
			t.Errorf("--help does not tell of the default %s", value)
		}
	}
}

// TestWrongSettingsAreRefused checks that each wrong setting ends the program with the setting's name.
func TestWrongSettingsAreRefused(t *testing.T) {
	for setting, want := range map[string]string{
		"WOODY_HEAVY_DELAY=soon":            "WOODY_HEAVY_DELAY",
		"WOODY_HEAVY_DELAY=-1s":             "WOODY_HEAVY_DELAY must be 0s or more",
		"WOODY_HEAVY_SLOTS=0":               "WOODY_HEAVY_SLOTS must be from 1 to 10000",
		"WOODY_DB_POOL=many":                "WOODY_DB_POOL",
		"WOODY_DB_DIRECT=yes":               `WOODY_DB_DIRECT is "yes": write on, off or cluster`,
		"WOODY_LOG_LEVEL=loud":              `WOODY_LOG_LEVEL is "loud": write debug, info, warn or error`,
		"WOODY_DB_DSN=localhost":            "WOODY_DB_DSN is not a MariaDB/MySQL address",
		"WOODY_DB_DSN_FILE=/does/not/exist": "WOODY_DB_DSN_FILE",
		"WOODY_DB_READ_DSN=localhost":       "WOODY_DB_READ_DSN is not a MariaDB/MySQL address",
		"WOODY_DB_READ_DSN=u@tcp(h:1)/shop": "WOODY_DB_READ_DSN is for nodes of the cluster that WOODY_DB_DSN leads to",
		"WOODY_DB_MIGRATE_DSN=localhost":    "WOODY_DB_MIGRATE_DSN is not a MariaDB/MySQL address",
		"WOODY_DB_MIGRATE_DSN=u@tcp(h:1)/s": "WOODY_DB_MIGRATE_DSN is for another user of the database",
		"WOODY_REPLICA_ID=a\nb":             "WOODY_REPLICA_ID may hold printable ASCII",
		"WOODY_ADDR=nowhere":                "nowhere",
		"WOODY_ACCOUNTS=yes":                `WOODY_ACCOUNTS is "yes": write on or off`,
		"WOODY_REDIS_ADDR=redis:6379":       "need a database server",
	} {
		out, err := command([]string{setting, "WOODY_ADMIN_ADDR=off", "WOODY_DATA_DIR=" + t.TempDir()}).CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v, %q; want exit status 1 and %q", setting, err, out, want)
		}
	}
	if out, err := command(nil, "--heavy-dely=1s").CombinedOutput(); err == nil ||
		!strings.Contains(string(out), "unknown flag --heavy-dely") {
		t.Errorf("a mistyped flag: %v, %q", err, out)
	}
}

func TestAMistypedVariableIsTold(t *testing.T) {
	r := mustStartReplica(t, "WOODY_HEAVY_DELY=1s", "WOODY_API_URL=http://api:8080")
	if log := r.Log(); !strings.Contains(log, "variable=WOODY_HEAVY_DELY") || strings.Contains(log, "WOODY_API_URL") {
		t.Errorf("the log does not tell of the mistyped variable alone:\n%s", log)
	}
}

func TestASecondOneOnTheSamePort(t *testing.T) {
	addr := mustStartReplica(t).Addr()
	out, err := command(
		[]string{"WOODY_ADDR=" + addr, "WOODY_ADMIN_ADDR=off", "WOODY_DATA_DIR=" + t.TempDir()}).CombinedOutput()
	if want := "api: the port of " + addr + " is taken by another program\n"; err == nil || string(out) != want {
		t.Errorf("second start: %v, %q; want %q alone", err, out, want)
	}
}

// TestListeningFile follows the announcement of a shop that is killed, started again and ended: it leads to the one
// that runs. One who cannot listen, or cannot announce itself, leaves it as it is.
func TestListeningFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "listening")
	start := func() *replica {
		t.Helper()
		return mustStartReplica(t, "WOODY_ADMIN_ADDR=127.0.0.1:0", "WOODY_LISTENING_FILE="+file)
	}
	wantAnnounced := func(r *replica) {
		t.Helper()
		got, err := serving.ReadAnnouncement(file)
		admin := "http://" + strings.Replace(got["WOODY_ADMIN_ADDR"], "127.0.0.1", "localhost", 1)
		if err != nil || got["WOODY_ADDR"] != r.Addr() || admin != r.AdminURL || got["PID"] != strconv.Itoa(r.PID()) {
			t.Errorf("announced is %v, %v; want %s, %s, %d", got, err, r.Addr(), r.AdminURL, r.PID())
		}
	}
	killed := start()
	wantAnnounced(killed)
	killed.Kill()
	wantAnnounced(killed)
	r := start()
	wantAnnounced(r)
	data := "WOODY_DATA_DIR=" + t.TempDir()
	out, err := command([]string{"WOODY_ADDR=" + r.Addr(), "WOODY_LISTENING_FILE=" + file, data}).CombinedOutput()
	if err == nil {
		t.Errorf("a second one on the same port: %s", out)
	}
	wantAnnounced(r)
	mustBeHealthy(t, "WOODY_LISTENING_FILE="+file)
	if err := errors.Join(r.Signal(syscall.SIGTERM), r.Wait()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after the end: %v, want no file", err)
	}
	out, err = command([]string{
		"WOODY_ADDR=127.0.0.1:0", "WOODY_ADMIN_ADDR=off", "WOODY_LISTENING_FILE=/proc/x", data,
	}).CombinedOutput()
	if err == nil || strings.Count(string(out), "\n") != 1 || !strings.Contains(string(out), "WOODY_LISTENING_FILE") {
		t.Errorf("where nothing can be written: %v %q, want one sentence", err, out)
	}
}

func TestASecondOneOnTheSameFile(t *testing.T) {
	data := t.TempDir()
	mustStartReplica(t, "WOODY_DATA_DIR="+data)
	out, err := command(
		[]string{"WOODY_ADDR=127.0.0.1:0", "WOODY_ADMIN_ADDR=off", "WOODY_DATA_DIR=" + data}).CombinedOutput()
	if err == nil || strings.Count(string(out), "\n") != 1 ||
		!strings.Contains(string(out), "is taken by another running shop") {
		t.Errorf("second start: %v, %q; want one sentence", err, out)
	}
}

// TestDraining sends each signal that ends a shop during a heavy request: readiness turns false, new requests are
// still answered and told to close, the heavy one is finished, the exit status is 0.
func TestDraining(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			testDraining(t, signal)
		})
	}
}

func testDraining(t *testing.T, signal syscall.Signal) {
	r := mustStartReplica(t, "WOODY_HEAVY_DELAY=11s", "WOODY_DRAIN_DELAY=10s", "WOODY_ADMIN_ADDR=127.0.0.1:0")
	admin := r.metricsURL()
	heavy := make(chan error, 1)
	go func() {
		response, err := http.Get(r.URL + "/api/misc/heavy?name=x")
		if err == nil && response.StatusCode != http.StatusOK {
			err = errors.New(response.Status)
		}
		heavy <- err
	}()
	for busy := false; !busy; {
		_, metrics := mustGet(t, admin)
		busy = strings.Contains(metrics, "woody_heavy_slots_in_use 1")
	}
	if err := r.Signal(signal); err != nil {
		t.Fatal(err)
	}
	for {
		status, _ := mustGet(t, r.URL+"/readyz")
		if status == http.StatusServiceUnavailable {
			break
		}
	}
	response, err := http.Get(r.URL + "/api/ping")
	if err != nil || !response.Close {
		t.Errorf("a new request while draining: %v; want an answer with Connection: close", err)
	}
	if err := <-heavy; err != nil {
		t.Errorf("the heavy request under way = %v, want its answer", err)
	}
	if err := r.Wait(); err != nil {
		t.Errorf("after %v: %v, want exit status 0\n%s", signal, err, r.Log())
	}
}

// mustBeHealthy wants the health check to pass. It gives up after three seconds, and whoever runs it tries it again.
func mustBeHealthy(t *testing.T, settings ...string) {
	t.Helper()
	await(t, "the health check passes", func() bool {
		out, err := command(settings, "healthcheck").CombinedOutput()
		if err != nil {
			t.Logf("the health check: %v, %s", err, out)
		}
		return err == nil
	})
}

func TestHealthcheck(t *testing.T) {
	mustBeHealthy(t, "WOODY_ADDR="+mustStartReplica(t).Addr())
	const nobody = "WOODY_ADDR=127.0.0.1:1" // a port that the kernel hands to nobody else meanwhile
	if out, err := command([]string{nobody}, "healthcheck").CombinedOutput(); err == nil {
		t.Errorf("healthcheck of nothing succeeded: %s", out)
	}
}

func TestMetrics(t *testing.T) {
	r := mustStartReplica(t, "WOODY_ADMIN_ADDR=127.0.0.1:0")
	admin := r.metricsURL()
	mustGet(t, r.URL+"/api/products/1")
	mustGet(t, r.URL+"/api/made/up")
	_, metrics := mustGet(t, admin)
	for _, want := range []string{
		`woody_http_request_duration_seconds_count{method="GET",route="/api/products/:id<int>",status="200"} 1`,
		`woody_http_request_duration_seconds_count{method="GET",route="none",status="404"} 1`,
		"woody_http_in_flight 0", "woody_orders_pending 0", "woody_orders_oldest_seconds 0", "woody_heavy_slots 2",
		"woody_database_up 1", "woody_ready 1", `woody_db_answers_total{for="read",node="sqlite"} 1`,
		`go_sql_open_connections{db_name="writer"} 1`, "go_goroutines",
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics have no %s", want)
		}
	}
	if status, _ := mustGet(t, strings.TrimSuffix(admin, "metrics")+"debug/pprof/cmdline"); status != http.StatusOK {
		t.Errorf("profiles answer %d", status)
	}
	if status, _ := mustGet(t, r.URL+"/metrics"); status != http.StatusNotFound {
		t.Errorf("the public port answers /metrics with %d", status)
	}
}

func TestTheDSNComesFromAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "dsn")
	if err := os.WriteFile(file, []byte("not a dsn with hush\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := command([]string{"WOODY_DB_DSN_FILE=" + file}).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "WOODY_DB_DSN is not a MariaDB/MySQL address") ||
		strings.Contains(string(out), "hush") {
		t.Errorf("%v, %q; want the file's content refused, and not shown", err, out)
	}
}
