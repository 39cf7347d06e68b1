package scripts_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// render makes the files of stage observability in a folder, with settings in the environment.
func render(dir, stages string, settings ...string) (output string, err error) {
	cmd := exec.Command("../observability/render", append([]string{dir}, strings.Fields(stages)...)...)
	cmd.Env = append(os.Environ(), settings...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// mustCheck checks what was rendered with a program of Prometheus' own.
func mustCheck(t *testing.T, program string, args ...string) {
	t.Helper()
	path, err := servers.LookPath(program)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(path, args...).CombinedOutput(); err != nil {
		t.Errorf("%s %v: %v\n%s", program, args, err, out)
	}
}

// TestWhatIsRenderedIsValid checks the rendered files of each sum of stages with promtool and amtool.
func TestWhatIsRenderedIsValid(t *testing.T) {
	t.Parallel()
	const address = "https://hooks.example.org/T/x?y=1&z=2"
	for _, stages := range []string{"baseline observability", "replicas redis observability",
		"replicas redis cdn observability", "replicas redis database observability"} {
		for _, settings := range [][]string{nil, {"ALERT_SPEED=30", "ALERT_WEBHOOK=" + address}} {
			dir := t.TempDir()
			if out, err := render(dir, stages, settings...); err != nil {
				t.Fatalf("%s: %v %s", stages, err, out)
			}
			mustCheck(t, "promtool", "check", "config", filepath.Join(dir, "prometheus.yml"))
			mustCheck(t, "amtool", "check-config", filepath.Join(dir, "alertmanager.yml"))
			calls := strings.Contains(mustRead(t, filepath.Join(dir, "alertmanager.yml")), "url: '"+address+"'")
			if calls != (settings != nil) {
				t.Errorf("with %v, Alertmanager calls the address: %v", settings, calls)
			}
		}
	}
}

// TestShippedIntervals checks that rendering without a speed changes nothing, and that with the highest speed looks are
// a second apart.
func TestShippedIntervals(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for speed, want := range map[int]string{1: "10s", 2: "5s", 30: "1s", 999: "1s"} {
		if out, err := render(dir, "redis", fmt.Sprintf("ALERT_SPEED=%d", speed)); err != nil {
			t.Fatal(err, out)
		}
		text := mustRead(t, filepath.Join(dir, "prometheus.yml"))
		if !strings.Contains(text, "\n  scrape_interval: "+want+"\n") ||
			!strings.Contains(text, "\n  evaluation_interval: "+want+"\n") {
			t.Errorf("at speed %d there is no interval of %s:\n%.700s", speed, want, text)
		}
		if speed == 1 && text != mustRead(t, "../observability/prometheus/prometheus.yml") {
			t.Error("without a speed, prometheus.yml is another one")
		}
	}
}

// TestOwnAlertmanagerFile takes the operator's own file as it is.
func TestOwnAlertmanagerFile(t *testing.T) {
	t.Parallel()
	dir, own := t.TempDir(), filepath.Join(t.TempDir(), "own.yml")
	text := "route: {receiver: me}\nreceivers: [{name: me}]\n"
	if err := os.WriteFile(own, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := render(dir, "redis", "ALERTMANAGER_CONFIG="+own); err != nil {
		t.Fatal(err, out)
	}
	if got := mustRead(t, filepath.Join(dir, "alertmanager.yml")); got != text {
		t.Errorf("Alertmanager is given %q, want %q", got, text)
	}
}

// TestRenderRefuses checks that a refusal names the setting.
func TestRenderRefuses(t *testing.T) {
	t.Parallel()
	for settings, want := range map[string]string{
		"ALERT_SPEED=fast":             "ALERT_SPEED is 'fast'",
		"ALERT_SPEED=0":                "ALERT_SPEED is '0'",
		"ALERT_WEBHOOK=hooks.example":  "ALERT_WEBHOOK is 'hooks.example'",
		"ALERT_WEBHOOK=http://a/'; b":  "ALERT_WEBHOOK is",
		"ALERTMANAGER_CONFIG=/no/file": "ALERTMANAGER_CONFIG cannot be read: /no/file",
		"ALERTMANAGER_CONFIG=../observability/alertmanager/alertmanager.yml\nALERT_WEBHOOK=http://a/": "are both set",
	} {
		out, err := render(t.TempDir(), "redis", strings.Split(strings.ReplaceAll(settings, "=../", "="), "\n")...)
		if err == nil || !strings.Contains(out, want) {
			t.Errorf("%q: %v %q, want a refusal that says %q", settings, err, out, want)
		}
	}
}
