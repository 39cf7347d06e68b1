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
		"local-swarm", "database", "doctor", "logs", "audit"} {
		if status, text := runWithoutDocker(t, name, "--help"); status != 0 ||
			!strings.HasPrefix(text, "usage: scripts/"+name) {
			t.Errorf("scripts/%s --help: %d\n%s", name, status, text)
		}
		if status, text := runWithoutDocker(t, name, "--nonsense"); status == 0 || text == "" {
			t.Errorf("scripts/%s --nonsense: %d %q, want a refusal", name, status, text)
		}
	}
}

// TestWithoutDocker checks that each script says what is missing.
func TestWithoutDocker(t *testing.T) {
	for _, call := range [][]string{{"deploy", "redis"}, {"scale", "api=2"}, {"status"}, {"status", "--url"},
		{"remove"}, {"images"}, {"logs", "0123"}, {"audit"}, {"audit", "--prune", "400d"},
		{"database", "status"}, {"database", "bootstrap", "database2"}} {
		status, text := runWithoutDocker(t, call[0], call[1:]...)
		if want := "scripts/" + call[0] + ": Docker does not answer at unix:///nowhere/docker.sock"; status != 1 ||
			!strings.HasPrefix(text, want) {
			t.Errorf("%v: %d\n%s\nwant 1 and %q", call, status, text, want)
		}
	}
}

// TestDoctorWithoutDocker checks that the doctor's finding is that there is no Docker.
func TestDoctorWithoutDocker(t *testing.T) {
	t.Parallel()
	if status, text := runWithoutDocker(t, "doctor"); status != 1 || !strings.HasPrefix(text,
		"docker: Docker does not answer: ") || !strings.Contains(text, "set DOCKER_HOST") {
		t.Errorf("scripts/doctor: %d\n%s", status, text)
	}
	for _, args := range [][]string{{"--url", "shop.example.org"}, {"--free", "200"}, {"--free", "much"}, {"more"}} {
		if status, text := runWithoutDocker(t, "doctor", args...); status != 2 || !strings.Contains(text, "--help") {
			t.Errorf("scripts/doctor %v: %d\n%s\nwant 2, and where the help is", args, status, text)
		}
	}
}

// TestLogsRefuses checks that each call that cannot find anything is refused with a reason.
func TestLogsRefuses(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{}, {""}, {"a", "b"}, {"--since"}, {"a b"}, {strings.Repeat("a", 129)}, {"x;y"}} {
		if status, text := runWithoutDocker(t, "logs", args...); status != 2 || text == "" {
			t.Errorf("scripts/logs %q: %d %q, want a refusal", args, status, text)
		}
	}
}

// TestNonsenseSums checks that each sum of stages that does not exist is refused with a reason, before anything is
// asked of Docker.
func TestNonsenseSums(t *testing.T) {
	for sum, want := range map[string]string{
		"moon":                              "there is no stage 'moon': name one of baseline, replicas, redis, cdn",
		"redis moon":                        "there is no stage 'moon'",
		"redis cdn":                         "redis and cdn are not added to each other",
		"observability baseline replicas":   "baseline and replicas are not added to each other",
		"observability":                     "observability is added to a stage: scripts/deploy redis observability",
		"redis redis":                       "a stage is named twice",
		"observability redis observability": "a stage is named twice",
		"baseline database":                 "database cannot be together with baseline: leave one out",
		"database":                          "database is added to a stage: scripts/deploy redis database",
	} {
		status, text := runWithoutDocker(t, "deploy", strings.Fields(sum)...)
		if status != 1 || !strings.HasPrefix(text, "scripts/deploy: ") || !strings.Contains(text, want) {
			t.Errorf("deploy %s: %d\n%s\nwant a refusal that says %s", sum, status, text, want)
		}
	}
	for _, sum := range []string{"observability cdn", "redis observability", "observability baseline", "cdn",
		"database replicas", "redis database", "observability database cdn"} {
		status, text := runWithoutDocker(t, "deploy", strings.Fields(sum)...)
		if status != 1 || !strings.Contains(text, "Docker does not answer") {
			t.Errorf("deploy %s: %d\n%s\nwant it to look for Docker", sum, status, text)
		}
	}
}
