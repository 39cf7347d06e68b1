package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/woodytoys/woodytoys/internal/programs"
	"github.com/woodytoys/woodytoys/internal/servers"
	"github.com/woodytoys/woodytoys/internal/serving"
)

// The test binary is also the program under test: with asProgram set it is the observer itself.
const asProgram = "WOODYTEST_AS_PROGRAM"

// patient are timeouts of an observer that is not to take a busy machine for a fault.
var patient = timeouts{read: servers.Patience, write: servers.Patience}

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Unsetenv(asProgram)
		usual, serving.HealthcheckTimeout = patient, servers.Patience
		main()
		return
	}
	code := m.Run()
	cleanUp()
	os.Exit(code)
}

// command is the observer with these settings ("WOODY_X=…") and arguments.
func command(settings []string, args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(append(os.Environ(), asProgram+"=1"), settings...)
	return cmd
}

func mustStartProgram(t *testing.T, settings ...string) *programs.Observer {
	t.Helper()
	o, err := programs.StartObserver(command(nil), filepath.Join(t.TempDir(), "log"), settings...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		o.Kill()
		if t.Failed() {
			t.Logf("the observer said:\n%s", o.Log())
		}
	})
	return o
}

// nobody is an address where nothing listens.
const nobody = "127.0.0.1:1"

// TestProcess follows an observer of a shop in one process from its start to its end.
func TestProcess(t *testing.T) {
	t.Parallel()
	s := mustStartEmbedded(t)
	host, port, admin := s.place()
	o := mustStartProgram(t, "WOODY_OBSERVER_API="+host+":"+port, "WOODY_OBSERVER_ADMIN_PORT="+admin,
		"WOODY_DRAIN_DELAY=10s", "WOODY_OBSERVER_PROXY="+s.URL)
	awaitMetrics(t, o, "woody_observer_replicas 1", `woody_observer_fresh_seconds_bucket{path="proxy",le="10"} 3`,
		`woody_observer_fresh_seconds_bucket{path="replica",le="10"} 3`, `woody_observer_stale_total{path="replica"} 0`,
		`woody_observer_stale_total{path="proxy"} 0`, "woody_observer_write_failures_total 0",
		"woody_observer_lost_total 0")
	addr := strings.TrimPrefix(o.URL, "http://")
	if out, err := command([]string{"WOODY_ADDR=" + addr}, "healthcheck").CombinedOutput(); err != nil {
		t.Errorf("healthcheck: %v, %s", err, out)
	}
	if status, _ := mustGet(t, o.URL+"/healthz"); status != http.StatusOK {
		t.Errorf("/healthz answers %d", status)
	}
	if err := o.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for status := 0; status != http.StatusServiceUnavailable; {
		status, _ = mustGet(t, o.URL+"/readyz")
	}
	if err := o.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v, want exit status 0", err)
	}
	if strings.Contains(o.Log(), "stale") {
		t.Error("a healthy shop is accused")
	}
}

// TestProcessWithoutAShop checks that the observer starts without a shop and says that there is none, and that it ends
// in time.
func TestProcessWithoutAShop(t *testing.T) {
	t.Parallel()
	o := mustStartProgram(t, "WOODY_OBSERVER_API="+nobody, "WOODY_OBSERVER_PROXY=http://"+nobody)
	awaitMetrics(t, o, "woody_observer_write_failures_total 2", `woody_observer_checked_total{path="proxy"} 0`)
	if err := o.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := o.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v, want exit status 0", err)
	}
	if got := strings.Count(o.Log(), "writes fail"); got != 1 {
		t.Errorf("the log says %d times that writes fail, want once", got)
	}
}

func awaitMetrics(t *testing.T, o *programs.Observer, want ...string) {
	t.Helper()
	err := o.AwaitReady(servers.Patience, func() error {
		_, metrics := mustGet(t, o.URL+"/metrics")
		for _, line := range want {
			if !strings.Contains(metrics, "\n"+line) {
				return fmt.Errorf("the metrics have no %s", line)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
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

func TestHealthcheckOfNothing(t *testing.T) {
	out, err := command([]string{"WOODY_ADDR=" + nobody}, "healthcheck").CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(string(out), "not ready: ") {
		t.Errorf("healthcheck of nothing: %v %s, want exit status 1 and a sentence", err, out)
	}
}

func TestWrongSettingsAreRefused(t *testing.T) {
	for setting, want := range map[string]string{
		"WOODY_OBSERVER_API=api":           "tasks.api:8080",
		"WOODY_OBSERVER_API=:8080":         "tasks.api:8080",
		"WOODY_OBSERVER_ADMIN_PORT=0":      "from 1 to 65535",
		"WOODY_OBSERVER_PROXY=proxy:8080":  "http://reverse-proxy:8080",
		"WOODY_OBSERVER_RATE=4":            "from 5 to 200",
		"WOODY_OBSERVER_RATE=201":          "from 5 to 200",
		"WOODY_OBSERVER_RATE=many":         "many",
		"WOODY_LISTENING_FILE=/not/a/file": "a folder",
	} {
		out, err := command([]string{"WOODY_ADDR=127.0.0.1:0", setting}).CombinedOutput()
		name, _, _ := strings.Cut(setting, "=")
		if strings.HasSuffix(setting, "many") {
			name = "--rate"
		}
		if err == nil || !strings.Contains(string(out), name) || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v %q, want a refusal that names it and says %q", setting, err, out, want)
		}
	}
}

func TestHelpListsEverySetting(t *testing.T) {
	out, err := command(nil, "--help").CombinedOutput()
	if err != nil {
		t.Fatalf("--help: %v", err)
	}
	for _, want := range []string{
		"$WOODY_ADDR", "$WOODY_OBSERVER_API", "$WOODY_OBSERVER_ADMIN_PORT", "$WOODY_OBSERVER_PROXY",
		"$WOODY_OBSERVER_RATE",
		"$WOODY_LOG_LEVEL", "$WOODY_LOG_FORMAT", "$WOODY_DRAIN_DELAY", "$WOODY_DRAIN_TIMEOUT", "healthcheck",
		":8082", "5 to 200",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("--help does not say %s", want)
		}
	}
}

// TestATakenPortIsReported checks that the program ends with a sentence that says that the port is taken.
func TestATakenPortIsReported(t *testing.T) {
	ln, err := serving.Listen("127.0.0.1:0", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	out, err := command([]string{"WOODY_ADDR=" + ln.Addr().String()}).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "is taken by another program") {
		t.Errorf("%v, %q; want a sentence that says the port is taken", err, out)
	}
}
