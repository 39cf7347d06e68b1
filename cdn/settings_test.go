package cdn_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
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
		"WOODY_DRAIN_DELAY=soon":             "500ms",
		"WOODY_DRAIN_DELAY=5":                "500ms",
		"WOODY_DRAIN_TIMEOUT=-1s":            "500ms",
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

func TestHelpListsEverySetting(t *testing.T) {
	out, err := entrypoint("--help").CombinedOutput()
	if err != nil {
		t.Fatalf("--help: %v", err)
	}
	script, err := os.ReadFile("entrypoint")
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range strings.Split(string(script), "${WOODY_")[1:] {
		name := "WOODY_" + found[:strings.IndexAny(found, ":}")]
		if !strings.Contains(string(out), "  "+name+" ") {
			t.Errorf("--help does not say %s", name)
		}
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
