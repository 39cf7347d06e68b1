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

// TestLettersAreASCII checks that a Turkish locale, whose small I has no dot, changes neither the variables that stack
// files name secrets by nor a name in DNS.
func TestLettersAreASCII(t *testing.T) {
	t.Parallel()
	locales := t.TempDir()
	turkish := exec.Command("localedef", "-i", "tr_TR", "-f", "UTF-8", locales+"/tr_TR.UTF-8")
	if out, err := turkish.CombinedOutput(); err != nil {
		t.Skipf("SKIPPED: no Turkish locale can be made here (Debian's package locales): %v %s", err, out)
	}
	environment := append(os.Environ(), "LOCPATH="+locales, "LC_ALL=tr_TR.UTF-8")
	c := &claimed{tree: t.TempDir()}
	c.write(t, "scripts/stack.sh", mustRead(t, "stack.sh"))
	c.write(t, "secrets/redis_acl", "x")
	cmd := exec.Command("bash", "-euc", `cd "$0"; . scripts/stack.sh; name_secrets; echo "$REDIS_ACL_TAG"`, c.tree)
	cmd.Env = append(environment, "TAG=t", "PROXY_TAG=t", "DATABASE_TAG=t", "DATABASE_PROXY_TAG=t")
	out, err := cmd.CombinedOutput()
	if want := contentName(t, c.tree, "redis_acl"); err != nil || "woody_redis_acl"+string(out) != want+"\n" {
		t.Errorf("REDIS_ACL_TAG: %v %s, want the end of %s", err, out, want)
	}
	zone := mustWrite(t, zoneOf("2026010101"))
	cmd = exec.Command("./dns", "example.org", zone, "cdn", "I.EXAMPLE.NET")
	cmd.Env = environment
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(mustRead(t, zone), "i.example.net.") {
		t.Errorf("scripts/dns: %v %s", err, out)
	}
}
