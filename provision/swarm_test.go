//go:build e2e

package provision_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// TestSwarm makes two managers and a worker one Swarm with labels, twice. It checks that no label is moved, and that a
// first manager made anew begins no second Swarm.
func TestSwarm(t *testing.T) {
	started, err := servers.StartEngines(3)
	if err != nil {
		t.Fatalf("start three engines (scripts/need docker iproute): %v", err)
	}
	t.Cleanup(func() {
		if err := started.Close(); err != nil {
			t.Error(err)
		}
	})
	engines := started.All
	docker := func(e *servers.Engine, args ...string) string {
		t.Helper()
		output, err := e.Docker(args...)
		if err != nil {
			t.Fatal(err)
		}
		return output
	}
	hosts := func(labels ...string) string {
		text := "all:\n  vars: {ansible_connection: local, ansible_become: false}\n  children:\n" +
			"    managers:\n      hosts:\n"
		for i, e := range engines {
			if i == 2 {
				text += "    workers:\n      hosts:\n"
			}
			text += fmt.Sprintf("        toys%d: {woody_address: %s, woody_environment: {DOCKER_HOST: %q}, "+
				"woody_labels: [%s]}\n", i+1, e.Address, e.Host, labels[i])
		}
		file := filepath.Join(t.TempDir(), "inventory.yml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	play := func(inventory string, more ...string) (string, error) {
		return run("ansible-playbook", append(more, "-i", inventory, "--tags", "swarm", "site.yml")...)
	}
	inventory := hosts("database", "database2, observability", "backup")
	for _, changed := range []bool{true, false} {
		out, err := play(inventory)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if unchanged := strings.Count(out, "changed=0 ") == 3; unchanged == changed {
			t.Errorf("that something has changed should be %t:\n%s", changed, out)
		}
	}
	nodes := docker(engines[0], "node", "ls", "--format", "{{.Status}} {{.ManagerStatus}}")
	if strings.Count(nodes, "Ready") != 3 || strings.Count(nodes, "Leader") != 1 ||
		strings.Count(nodes, "Reachable") != 1 {
		t.Errorf("the nodes are\n%s", nodes)
	}
	for i, want := range []string{"map[woody.database:true]", "map[woody.database2:true woody.observability:true]",
		"map[woody.backup:true]"} {
		id := docker(engines[i], "info", "--format", "{{.Swarm.NodeID}}")
		if got := docker(engines[0], "node", "inspect", "--format", "{{.Spec.Labels}}", id); got != want {
			t.Errorf("toys%d has the labels %s, want %s", i+1, got, want)
		}
	}
	out, err := play(hosts("", "database2, observability", "database, backup"))
	if unwrapped := strings.Join(strings.Fields(out), " "); err == nil ||
		!strings.Contains(unwrapped, "another node has the label woody.database already") {
		t.Errorf("a label is moved: %v\n%s", err, out)
	}

	// The first manager's machine is made anew: it must not begin a second Swarm beside the other two.
	docker(engines[0], "swarm", "leave", "--force")
	out, err = play(inventory)
	if unwrapped := strings.Join(strings.Fields(out), " "); err == nil ||
		!strings.Contains(unwrapped, "toys1 is in no Swarm, and toys2, toys3 in one already") {
		t.Errorf("a new first manager: %v\n%s", err, out)
	}
	out, err = play(inventory, "--limit", "toys1")
	if unwrapped := strings.Join(strings.Fields(out), " "); err == nil ||
		!strings.Contains(unwrapped, "toys1 is in no Swarm, and whether toys2, toys3 is was not asked") {
		t.Errorf("a new first manager alone: %v\n%s", err, out)
	}
	if state := docker(engines[0], "info", "--format", "{{.Swarm.LocalNodeState}}"); state != "inactive" {
		t.Errorf("the new first manager's Swarm is %s, want none", state)
	}
}
