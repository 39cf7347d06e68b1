//go:build e2e

package e2e

import (
	"strings"
	"testing"
	"time"
)

// TestScaling scales from 3 replicas to 6 and to 2 while people shop.
func TestScaling(t *testing.T) {
	mustScript(t, "deploy", "redis")
	m := startMix(t)
	mustScript(t, "scale", "api=6")
	mustScript(t, "scale", "api=2")
	awaitAtMost(t, "api", 2)
	got := m.finish(t)
	figuref("api 3 to 6 to 2: %v", got)
	got.mustBeClean(t)
}

// awaitAtMost waits until at most n containers of a service are left: the others have finished their work and ended.
func awaitAtMost(t *testing.T, service string, n int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); len(containers(t, service)) > n; time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d containers of %s are left after a minute, want %d", len(containers(t, service)), service, n)
		}
	}
}

// TestLongRollingUpdate updates api and front to a new tag while people shop.
func TestLongRollingUpdate(t *testing.T) {
	takes(t, 3*time.Minute)
	mustScript(t, "deploy", "redis")
	m := startMix(t)
	began := time.Now()
	mustScript(t, "deploy", "TAG="+second, "redis")
	took := time.Since(began)
	awaitAtMost(t, "api", 3)
	got := m.finish(t)
	figuref("rolling update of api and front to a new tag, %.0f s: %v", took.Seconds(), got)
	got.mustBeClean(t)
	if image := mustDocker(t, "service", "inspect", "--format", "{{.Spec.TaskTemplate.ContainerSpec.Image}}",
		"woody_api"); !strings.HasSuffix(image, ":"+second) {
		t.Errorf("api runs %s, want the tag %s", image, second)
	}
}

// TestLongABrokenImage deploys one whose API ends at once: deploy says so and fails, Swarm goes back, and nobody
// notices.
func TestLongABrokenImage(t *testing.T) {
	takes(t, 3*time.Minute)
	mustScript(t, "deploy", "redis")
	m := startMix(t)
	text, err := script("deploy", "TAG="+broken, "redis")
	got := m.finish(t)
	if err == nil || !strings.Contains(text, "rolled back to what ran before: woody_api") {
		t.Errorf("deploying a broken image: %v\n%s", err, text)
	}
	figuref("a broken image, rolled back: %v", got)
	got.mustBeClean(t)
	if image := mustDocker(t, "service", "inspect", "--format", "{{.Spec.TaskTemplate.ContainerSpec.Image}}",
		"woody_api"); !strings.HasSuffix(image, ":"+first) {
		t.Errorf("api runs %s, want the tag %s of before", image, first)
	}
}
