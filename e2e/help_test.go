package e2e

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// runWithoutDocker runs an operator's script where Docker does not answer.
func runWithoutDocker(t *testing.T, name string, args ...string) (status int, text string) {
	t.Helper()
	cmd := exec.Command("../scripts/"+name, args...)
	cmd.Env = append(os.Environ(), "DOCKER_HOST=unix:///nowhere/docker.sock", "TAG=test")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// TestHelp asks every script for it, and what it says to nonsense.
func TestHelp(t *testing.T) {
	for _, name := range []string{"deploy", "scale", "status", "remove", "images", "secrets", "offline-bases",
		"local-swarm"} {
		if status, text := runWithoutDocker(t, name, "--help"); status != 0 ||
			!strings.HasPrefix(text, "usage: scripts/"+name) {
			t.Errorf("scripts/%s --help: %d\n%s", name, status, text)
		}
		if status, text := runWithoutDocker(t, name, "--nonsense"); status == 0 || text == "" {
			t.Errorf("scripts/%s --nonsense: %d %q, want a refusal", name, status, text)
		}
	}
}

// TestWithoutDocker wants each script to say what is missing.
func TestWithoutDocker(t *testing.T) {
	for _, call := range [][]string{{"deploy", "redis"}, {"scale", "api=2"}, {"status"}, {"status", "--url"},
		{"remove"}, {"images"}} {
		status, text := runWithoutDocker(t, call[0], call[1:]...)
		if want := "scripts/" + call[0] + ": Docker does not answer at unix:///nowhere/docker.sock"; status != 1 ||
			!strings.HasPrefix(text, want) {
			t.Errorf("%v: %d\n%s\nwant 1 and %q", call, status, text, want)
		}
	}
	if status, text := runWithoutDocker(t, "deploy", "moon"); status != 2 || !strings.HasPrefix(text, "usage: ") {
		t.Errorf("deploy moon: %d\n%s", status, text)
	}
}
