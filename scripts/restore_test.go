package scripts_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
)

// TestRestoreSeesASecuredShop checks that a restore sees that a shop is back whose certificate is by its own authority.
func TestRestoreSeesASecuredShop(t *testing.T) {
	t.Parallel()
	c := mustClaimTree(t, t.TempDir(), []string{"restore", "stack.sh"}, "api", "backup", "certificate")
	var asked atomic.Int32
	shop := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/ping" {
			w.WriteHeader(http.StatusNotFound)
		}
		asked.Add(1)
	}))
	defer shop.Close()
	at, err := url.Parse(shop.URL)
	if err != nil {
		t.Fatal(err)
	}
	cmd := c.command("restore", "--yes")
	cmd.Env = append(cmd.Env, "SHOP_HOST="+at.Hostname(), "HTTPS_PORT="+at.Port())
	out, err := cmd.CombinedOutput()
	output := string(out)
	if err != nil || asked.Load() == 0 || !strings.Contains(output, "the shop is back") ||
		strings.Contains(output, "does not answer") {
		t.Errorf("it asked %d times: %v %s", asked.Load(), err, output)
	}
}

// mustRestoreTree returns a tree with scripts/restore whose shop answers.
func mustRestoreTree(t *testing.T, more ...string) *claimed {
	t.Helper()
	c := mustClaimTree(t, t.TempDir(), append(more, "restore"), "api", "backup")
	c.write(t, "scripts/stack.sh", mustRead(t, "stack.sh")+"\ncurl() { :; }\n")
	return c
}

// TestRestoreGoesByWhatIs ends the backup's restore in several ways. Whatever it said, the API starts again where the
// database is whole, and there alone; where it is not nobody else may start it either.
func TestRestoreGoesByWhatIs(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, restore, says string
		back, fails         bool
	}{
		{"is done", `echo whole 2 >state`, "the shop is back", true, false},
		{"is refused", `echo 'there is no good backup from before then'; exit 1`,
			"nothing of the database was changed", true, true},
		{"finds no container", `echo 'Error: No such container: keeper' >&2; exit 1`,
			"nothing of the database was changed", true, true},
		{"breaks off", `echo half >state; echo 'it is not whole'; exit 1`, "the API stays ended", false, true},
		{"says what is not so", `echo half >state; echo 'nothing was changed: it recovers'; exit 1`,
			"the API stays ended", false, true},
		{"is done after the connection was lost", `echo whole 2 >state; exit 137`, "the shop is back", true, false},
		{"goes on after the connection was lost",
			`echo restoring >state; (sleep 1; echo whole 2 >.s; mv .s state) >/dev/null 2>&1 & exit 137`,
			"the shop is back", true, false},
		{"is not heard of again", `rm state; exit 137`, "does not say what the database is", false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := mustRestoreTree(t)
			c.write(t, "swarm/state", "whole 1\n")
			c.write(t, "swarm/restore", test.restore)
			cmd := c.command("restore", "--yes")
			cmd.Env = append(cmd.Env, "DEPLOY_TIMEOUT=2")
			out, err := cmd.CombinedOutput()
			output := string(out)
			if (err != nil) != test.fails || !strings.Contains(output, test.says) {
				t.Errorf("%v %s, want %q", err, output, test.says)
			}
			want := map[bool]string{true: "4\n", false: "0\n"}[test.back]
			if got := mustRead(t, c.swarm+"/replicas"); got != want {
				t.Errorf("the API has %s replicas, want %s: %s", got, want, output)
			}
			if c.has("swarm/woody_restoring.config") == test.back {
				t.Errorf("the claim is there: %v: %s", !test.back, output)
			}
		})
	}
}

// TestRestoreIsInterrupted ends scripts/restore by Ctrl-C while the backup restores, and runs it again: the Swarm is
// not let go of before the database is whole, and the restore is not carried out twice.
func TestRestoreIsInterrupted(t *testing.T) {
	t.Parallel()
	c := mustRestoreTree(t, "scale")
	c.write(t, "swarm/restore", "mkfifo gate; echo restoring >state; touch begun; read -r _ <gate\n")
	first := c.command("restore", "--yes", "2026-11-27T07:00:00Z")
	first.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var output bytes.Buffer
	first.Stdout, first.Stderr = &output, &output
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	c.await(t, "the restore has begun", func() bool { return c.has("swarm/begun") })
	for _, args := range [][]string{{"--yes"}, {"--take-over"}} {
		if output, err := c.run("restore", args...); err == nil ||
			!strings.Contains(output, "another restore is under way") {
			t.Errorf("a second one %q: %v %s", args, err, output)
		}
	}
	if err := syscall.Kill(-first.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := first.Wait(); err == nil || !strings.Contains(output.String(), "run scripts/restore again") {
		t.Errorf("interrupted: %v %s", err, output.String())
	}
	if c.called("config rm") != 0 || mustRead(t, c.swarm+"/replicas") != "0\n" {
		t.Errorf("interrupted, it lets go of the Swarm, or starts the API: %s", output.String())
	}
	if output, err := c.run("scale", "api=3"); err == nil || !strings.Contains(output, "or was broken off") {
		t.Errorf("scripts/scale: %v %s", err, output)
	}

	again := c.command("restore")
	output.Reset()
	again.Stdout, again.Stderr = &output, &output
	asked := c.called("backup state")
	if err := again.Start(); err != nil {
		t.Fatal(err)
	}
	c.await(t, "it waits", func() bool { return c.called("backup state") >= asked+3 })
	if got := mustRead(t, c.swarm+"/replicas"); got != "0\n" {
		t.Errorf("the API has %s replicas before the restore is done", got)
	}
	c.write(t, "swarm/state", "whole 2\n")
	if err := again.Wait(); err != nil || !strings.Contains(output.String(), "the shop is back") {
		t.Errorf("again: %v %s", err, output.String())
	}
	if c.called("backup restore 2026") != 1 || c.called("exec keeper backup restore") != 2 { // one is a plan
		t.Errorf("again, it restores once more: %s", output.String())
	}
	if c.has("swarm/woody_restoring.config") || mustRead(t, c.swarm+"/replicas") != "4\n" {
		t.Errorf("the API has not all of its replicas, or the claim is left: %s", output.String())
	}
}

// TestRestoreIsTakenOver checks that a restore that another machine left half done is continued with --take-over alone.
func TestRestoreIsTakenOver(t *testing.T) {
	t.Parallel()
	c := mustRestoreTree(t)
	c.write(t, "swarm/state", "half\n")
	c.write(t, "swarm/replicas", "0\n")
	c.write(t, "swarm/restore", "echo whole 2 >state\n")
	for _, label := range []string{"elsewhere 77 5 1", ""} { // earlier versions said nothing
		c.write(t, "swarm/woody_restoring.config", "restoring.1 "+label+"\n")
		if output, err := c.run("restore", "--yes"); err == nil || !strings.Contains(output, "--take-over") ||
			c.called("service scale") != 0 || !c.has("swarm/woody_restoring.config") {
			t.Errorf("held by %q: %v %s", label, err, output)
		}
	}
	c.write(t, "swarm/woody_restoring.config", "restoring.1 elsewhere 77 5 1\n")
	output, err := c.run("restore", "--take-over")
	if err != nil || !strings.Contains(output, "the shop is back") || mustRead(t, c.swarm+"/replicas") != "5\n" ||
		c.has("swarm/woody_restoring.config") {
		t.Errorf("taken over: %v %s", err, output)
	}
}

// TestRestoreThatDoesNotBegin starts the replicas again where it is ended before they have, and asks nobody who is not
// at a terminal.
func TestRestoreThatDoesNotBegin(t *testing.T) {
	t.Parallel()
	c := mustRestoreTree(t)
	if output, err := c.run("restore"); err == nil || !strings.Contains(output, "it asks before it overwrites") ||
		c.called("config create") != 0 {
		t.Errorf("not at a terminal: %v %s", err, output)
	}
	c.write(t, "swarm/state", "")
	if output, err := c.run("restore", "--plan"); err != nil || !strings.Contains(output, "to be restored") {
		t.Errorf("the plan: %v %s", err, output)
	}
	c.write(t, "swarm/state", "whole\n")
	c.write(t, "scripts/stack.sh", mustRead(t, "stack.sh")+"\nsleep() { kill -HUP $$; }\n")
	c.write(t, "swarm/swarm.docker", strings.Replace(swarmDocker, "'ps -q') case $* in",
		"'ps -q') case $* in *_api*) echo replica ;;", 1))
	output, err := c.run("restore", "--yes")
	if err == nil || !strings.Contains(output, "nothing was changed") || c.called("backup restore") != 3 || // plans
		c.has("swarm/woody_restoring.config") || mustRead(t, c.swarm+"/replicas") != "4\n" {
		t.Errorf("broken off while the replicas end: %v %s", err, output)
	}
}

// TestRestoreIsAlone lets others act while the replicas end, and checks that replicas that are scaled up meanwhile are
// ended too, and that a restore that is taken over meanwhile is left to the other.
func TestRestoreIsAlone(t *testing.T) {
	t.Parallel()
	c := mustRestoreTree(t)
	c.write(t, "swarm/meanwhile", "echo 6 >replicas\n")
	if output, err := c.run("restore", "--yes"); err != nil || c.called("woody_api=0") != 2 ||
		mustRead(t, c.swarm+"/replicas") != "4\n" {
		t.Errorf("scaled up meanwhile: %v %s", err, output)
	}
	restores := c.called("backup restore")
	c.write(t, "swarm/meanwhile", "rm *.config; echo restoring.9 elsewhere 1 4 >woody_restoring.config\n")
	if output, err := c.run("restore", "--yes"); err == nil || !strings.Contains(output, "has taken this over") ||
		c.called("backup restore") != restores+1 || // a plan
		!c.has("swarm/woody_restoring.config") || mustRead(t, c.swarm+"/replicas") != "0\n" {
		t.Errorf("taken over meanwhile: %v %s", err, output)
	}
}
