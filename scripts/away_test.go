package scripts_test

import (
	"os/exec"
	"strings"
	"testing"
)

// TestWhatDockerDoesNotSay has one call of docker fail, and checks that nothing is taken for done or settled which
// Docker did not say.
func TestWhatDockerDoesNotSay(t *testing.T) {
	t.Parallel()
	c := &claimed{tree: t.TempDir()}
	c.write(t, "secrets/token_key", "new")
	for _, script := range []string{"stack.sh", "roll.sh"} {
		c.write(t, "scripts/"+script, mustRead(t, script))
	}
	c.swarm, c.environment = mustFakeSwarm(t, c.tree, map[string][]string{"woody_api": {"woody_token_key-0 token_key"}})
	run := func(away string, words ...string) (string, error) {
		c.write(t, "swarm/away", away)
		c.write(t, "swarm/answered", "0")
		cmd := exec.Command("bash", append([]string{"-c", `
			set -euo pipefail
			cd "$1"
			. scripts/stack.sh
			. scripts/roll.sh
			say() { echo "$*"; }
			"${@:2}"`, "bash", c.tree}, words...)...)
		cmd.Env = c.environment
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	for _, away := range []string{"config ls *", "service ls *", "service inspect *Secrets* woody_api"} {
		if out, err := run(away, "roll", "token_key"); err == nil {
			t.Errorf("without an answer to %q secrets are rolled: %s", away, out)
		}
	}
	for _, away := range []string{"service ls *", "service inspect *Secrets* woody_api"} {
		if out, err := run(away, "current", "token_key"); err == nil || !strings.Contains(out, "Docker does not say") {
			t.Errorf("without an answer to %q secrets are current: %v %s", away, err, out)
		}
	}
	for _, away := range []string{"*UpdateStatus*", "service ls *", "service inspect *json*", "service ps *"} {
		if out, err := run(away, "settled", "woody_api"); err == nil || !strings.Contains(out, "woody_api: ") {
			t.Errorf("without an answer to %q a service is settled: %v %s", away, err, out)
		}
	}
	for _, away := range []string{"service ls *", "*UpdateStatus*"} {
		if out, err := run(away, "awaited"); err != nil || !strings.Contains(out, "Docker does not say") {
			t.Errorf("without an answer to %q nothing is awaited: %v %s", away, err, out)
		}
	}
	if out, err := run("nothing", "roll", "token_key"); err != nil || !strings.Contains(out, "woody_api") {
		t.Errorf("with all answers: %v %s", err, out)
	}
	if out, err := run("nothing", "awaited"); err != nil || out != "" {
		t.Errorf("with all answers there is awaited: %v %s", err, out)
	}
}
