package programs

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestAShellsSettingsAreNoPrograms checks that what this process has for settings does not reach a program, unless its
// command names an environment.
func TestAShellsSettingsAreNoPrograms(t *testing.T) {
	t.Setenv("WOODY_NEAR_CACHE", "off")
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	environment := func(given []string) string {
		t.Helper()
		log := filepath.Join(t.TempDir(), "log")
		cmd := exec.Command("sh", "-c", "env; echo .")
		cmd.Env = given
		p, _, err := startProgram(cmd, log, "WOODY_ADDR=127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer p.Kill()
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
			text, _ := os.ReadFile(log) // not there yet
			if strings.HasSuffix(string(text), "\n.\n") || time.Now().After(deadline) {
				return string(text)
			}
		}
	}
	if got := environment(nil); strings.Contains(got, "WOODY_NEAR_CACHE") || strings.Contains(got, "OTEL_") ||
		!strings.Contains(got, "WOODY_ADDR=127.0.0.1:0") || !strings.Contains(got, "PATH=") {
		t.Errorf("a program has\n%s", got)
	}
	if got := environment([]string{"WOODY_NEAR_CACHE=on"}); !strings.Contains(got, "WOODY_NEAR_CACHE=on") {
		t.Errorf("a program whose command has an environment has\n%s", got)
	}
}
