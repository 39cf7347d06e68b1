package scripts_test

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestKeptSecretsAreNotReplaced deploys on a machine that has only the keys of what was lost, twice, since the first
// time fails. The secrets that it makes do not take the place of those that are kept, until somebody says so.
func TestKeptSecretsAreNotReplaced(t *testing.T) {
	t.Parallel()
	const keeps = "exec -i keeper backup secrets"
	c := mustDeployable(t)
	c.write(t, "secrets/secrets_key", "brought back")
	c.write(t, "scripts/secrets", mustRead(t, "secrets"))
	c.write(t, "swarm/undeployable", "")
	deploy := func() (output string, err error) { return c.run("deploy", "replicas", "backup") }
	if output, err := deploy(); err == nil || !c.has("secrets/database_password") {
		t.Fatalf("it is deployed, or fails too early: %v %s", err, output)
	}
	c.remove(t, "swarm/undeployable")
	for range 2 {
		if output, err := deploy(); err != nil || !strings.Contains(output, "these ./secrets are not kept") {
			t.Errorf("deployed again: %v %s", err, output)
		}
	}
	if output, err := c.run("backup"); err != nil || !strings.Contains(output, "these ./secrets are not kept") ||
		c.called("exec keeper backup now") != 1 {
		t.Errorf("scripts/backup: %v %s", err, output)
	}
	if n := c.called(keeps); n != 0 {
		t.Errorf("what was lost is replaced by what was made anew, %d times", n)
	}

	folder := filepath.Join(t.TempDir(), "old-secrets")
	if output, err := c.run("restore", "--secrets", folder); err != nil {
		t.Errorf("scripts/restore --secrets: %v %s", err, output)
	}
	if output, err := deploy(); err != nil || c.called(keeps) != 1 {
		t.Errorf("once they were restored, a deployment keeps the secrets %d times: %v %s", c.called(keeps), err,
			output)
	}
	c.write(t, "secrets/.recovered", "")
	if output, err := c.run("backup", "secrets"); err != nil || c.called(keeps) != 2 || c.has("secrets/.recovered") {
		t.Errorf("scripts/backup secrets keeps none, or leaves the mark: %v %s", err, output)
	}
	if output, err := c.run("backup"); err != nil || c.called(keeps) != 3 {
		t.Errorf("scripts/backup: %v %s", err, output)
	}
}
