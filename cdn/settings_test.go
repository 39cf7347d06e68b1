package cdn_test

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/woodytoys/woodytoys/internal/servers"
	"github.com/woodytoys/woodytoys/internal/serving"
	"github.com/woodytoys/woodytoys/internal/settings"
	"github.com/woodytoys/woodytoys/internal/settings/settingstest"
)

func entrypoint(args ...string) *exec.Cmd {
	cmd := exec.Command("./entrypoint", args...)
	cmd.Env = os.Environ()
	return cmd
}

func TestWrongSettingsAreRefused(t *testing.T) {
	for setting, want := range map[string]string{
		"WOODY_ADDR=8080":                    ":PORT",
		"WOODY_CDN_ORIGIN=front":             "front:8080",
		"WOODY_CDN_ORIGIN= ":                 "front:8080",
		"WOODY_CDN_ORIGIN=front:80;reboot":   "front:8080",
		"WOODY_CDN_HOSTS=cdn.example.org:80": "without a port",
		`WOODY_CDN_HOSTS=")`:                 "without a port",
		"WOODY_CDN_MEMORY=lots":              "128M",
		"WOODY_CDN_MEMORY=0M":                "128M",
		"WOODY_CDN_DIR=/proc/nowhere":        "cannot make folders in /proc/nowhere",
		"WOODY_CDN_METRICS_ADDR=9131":        ":PORT",
		"WOODY_DRAIN_DELAY=soon":             "500ms",
		"WOODY_DRAIN_DELAY=5":                "500ms",
		"WOODY_DRAIN_TIMEOUT=-1s":            "500ms",
		"WOODY_LISTENING_FILE=/dev/null":     "is not a plain file",
		"WOODY_LISTENING_FILE=/no/where":     "a folder that is this program's to write to",
	} {
		cmd := entrypoint()
		cmd.Env = append(cmd.Env, "WOODY_CDN_DIR="+t.TempDir(), setting)
		out, err := cmd.CombinedOutput()
		name, _, _ := strings.Cut(setting, "=")
		if err == nil || !strings.Contains(string(out), name) || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v %q, want a refusal that names it and says %q", setting, err, out, want)
		}
	}
}

// settingInScript is a setting with its default.
var settingInScript = regexp.MustCompile(`\$\{(WOODY_\w+):-([^}]*)\}`)

// TestHelpListsEverySetting checks the help, the list of what is known, and the stack files against the settings and
// their defaults in the script.
func TestHelpListsEverySetting(t *testing.T) {
	out, err := entrypoint("--help").CombinedOutput()
	if err != nil {
		t.Fatalf("--help: %v", err)
	}
	script, err := os.ReadFile("entrypoint")
	if err != nil {
		t.Fatal(err)
	}
	defaults := map[string]string{}
	for _, found := range settingInScript.FindAllStringSubmatch(string(script), -1) {
		defaults[found[1]] = found[2]
	}
	known := regexp.MustCompile(`\nsettings='(.*)'`).FindStringSubmatch(string(script))[1]
	if listed := strings.Fields(known); len(listed) != len(defaults) {
		t.Errorf("known are %q, want the %d of %v", listed, len(defaults), defaults)
	}
	for name, value := range defaults {
		if !strings.Contains(" "+known+" ", " "+name+" ") || !slices.Contains(settings.Names(), name) {
			t.Errorf("%s is not in the script's list, or not in that of internal/settings", name)
		}
		_, text, found := strings.Cut(string(out), "\n  "+name+" ")
		text, _, _ = strings.Cut(text, "\n  WOODY_")
		if !found || !strings.Contains(text, "(default "+cmp.Or(value, "none")+")") {
			t.Errorf("--help does not say %s, or not (default %s)", name, value)
		}
	}
	settingstest.CheckStack(t, "..", "cdn", defaults)
}

func TestAMistypedVariableIsTold(t *testing.T) {
	edge := mustStartEdge(t, []string{"127.0.0.1:9"}, "WOODY_CDN_MEMROY=64M", "WOODY_EMPTY=")
	if log := edge.Log(); strings.Count(log, "no such setting") != 1 || !strings.Contains(log, "WOODY_CDN_MEMROY") {
		t.Errorf("the log does not tell of the mistyped variable alone:\n%s", log)
	}
}

func TestHealthcheck(t *testing.T) {
	t.Parallel()
	edge := mustStartEdge(t, []string{"127.0.0.1:9"})
	for addr, healthy := range map[string]bool{edge.Addr: true, "127.0.0.1:1": false} {
		cmd := entrypoint("healthcheck")
		cmd.Env = append(cmd.Env, "WOODY_ADDR="+addr)
		if out, err := cmd.CombinedOutput(); (err == nil) != healthy {
			t.Errorf("healthcheck of %s: %v %s, want success: %t", addr, err, out, healthy)
		}
	}
}

// TestListeningFile follows the announcement of an edge to its end.
func TestListeningFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "listening")
	cmd := entrypoint()
	cmd.Env = append(cmd.Env, "WOODY_ADDR=127.0.0.1:0", "WOODY_CDN_ORIGIN=127.0.0.1:9", "WOODY_LISTENING_FILE="+file,
		"WOODY_CDN_DIR="+t.TempDir(), "WOODY_DRAIN_TIMEOUT=0s")
	// of one that was killed
	if err := os.WriteFile(file, []byte("WOODY_ADDR=127.0.0.1:1\nPID=1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	edge, err := servers.Start(cmd, filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(edge.Kill)
	healthcheck := func() error {
		check := entrypoint("healthcheck")
		check.Env = append(check.Env, "WOODY_LISTENING_FILE="+file)
		return check.Run()
	}
	if err := edge.AwaitReady(servers.Patience, healthcheck); err != nil {
		t.Fatal(err)
	}
	got, err := serving.ReadAnnouncement(file)
	if err != nil || got["PID"] != strconv.Itoa(edge.PID()) || got["WOODY_ADDR"] == "127.0.0.1:0" {
		t.Errorf("announced %v, %v", got, err)
	}
	if err := edge.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := edge.Wait(); err != nil {
		t.Errorf("the edge ended with %v\n%s", err, edge.Log())
	}
	left, err := os.ReadDir(filepath.Dir(file))
	if err != nil || len(left) > 0 || healthcheck() == nil {
		t.Errorf("after the end there are %v, %v; or it is found healthy", left, err)
	}
}
