package scripts_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestEachTreeHasItsVersion checks that images of another tree have another version, also where there is no repository.
func TestEachTreeHasItsVersion(t *testing.T) {
	t.Parallel()
	c := &claimed{tree: t.TempDir()}
	c.write(t, "scripts/stack.sh", mustRead(t, "stack.sh"))
	version := func() string {
		cmd := exec.Command("bash", "-c", `cd "$0"; . scripts/stack.sh; echo "$TAG"`, c.tree)
		cmd.Env = append(os.Environ(), "TAG=", "PROXY_TAG=t", "DATABASE_TAG=t", "DATABASE_PROXY_TAG=t",
			"GIT_CEILING_DIRECTORIES="+c.tree)
		out, err := cmd.Output()
		if err != nil || !strings.HasPrefix(string(out), "unversioned-") {
			t.Fatalf("%v %s", err, out)
		}
		return string(out)
	}
	c.write(t, "api/main.go", "package main")
	before := version()
	c.write(t, "secrets/token_key", "mine")
	if again := version(); again != before {
		t.Errorf("the same tree is %s and %s", before, again)
	}
	c.write(t, "api/main.go", "package main // changed")
	if after := version(); after == before {
		t.Errorf("two trees are both %s", after)
	}
}
