//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// secret returns the content of one of the stack's secrets.
func secret(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(tree, "secrets", name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(content))
}

// uid returns the user that a process runs as.
func uid(t *testing.T, pid string) string {
	t.Helper()
	status, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); fields[0] == "Uid:" {
			return fields[1]
		}
	}
	t.Fatalf("process %s has no user", pid)
	return ""
}

// TestLongThreeNodes comes last, as the last file does: it grows the Swarm, has every node pull from the registry, and
// empties a node while people shop at the proxies of the others.
func TestLongThreeNodes(t *testing.T) {
	takes(t, 6*time.Minute)
	mustScript(t, "remove")
	began := time.Now()
	mustScript(t, "local-swarm", "up", "3")
	for _, image := range []string{"mariadb:11.8", "redis:8.0"} {
		mustScript(t, "local-swarm", "share", image)
	}
	mustScript(t, "images", "REGISTRY="+registry, "--push")
	figuref("two more nodes, and the images in the registry: %.0f s", time.Since(began).Seconds())
	text, err := script("deploy", "REGISTRY="+registry, "TAG=never", "redis")
	if err == nil || !strings.Contains(text, registry+"/api:never") || !strings.Contains(text, "nothing was changed") {
		t.Errorf("images that nobody has published: %v %s", err, text)
	}
	began = time.Now()
	mustScript(t, "deploy", "REGISTRY="+registry, "redis")
	figuref("scripts/deploy redis on three nodes: %.0f s", time.Since(began).Seconds())

	nodes := strings.Fields(
		mustDocker(t, "service", "ps", "--filter", "desired-state=running", "--format", "{{.Node}}", "woody_api"))
	proxies := strings.Fields(mustDocker(t, "service", "ps", "--filter", "desired-state=running", "--format",
		"{{.Node}}", "woody_reverse-proxy"))
	if distinct(nodes) != 3 || distinct(proxies) != 3 {
		t.Errorf("api runs on %v and the proxy on %v, want three nodes each", nodes, proxies)
	}
	m := startMix(t, swarmNet+".1:80", swarmNet+".2:80")
	mustDocker(t, "node", "update", "--availability", "drain", swarmName+"3")
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
		left, err := dockerAt(3, "ps", "-q")
		if err != nil {
			t.Fatal(err)
		}
		if left == "" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("node 3 still runs %s a minute after it was drained", left)
		}
	}
	awaitSettled(t)
	got := m.finish(t)
	figuref("draining one of three nodes: %v", got)
	got.mustBeClean(t)
	testNodeDown(t)
}

func dockerAt(node int, args ...string) (string, error) {
	return docker(append([]string{"--host", fmt.Sprintf("unix://%s/%d/docker.sock", swarmDir, node)}, args...)...)
}

func distinct(names []string) int {
	set := map[string]bool{}
	for _, name := range names {
		set[name] = true
	}
	return len(set)
}
