//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// finding is a finding that scripts/doctor --json prints.
type finding struct{ About, What, Says, Do string }

// doctor returns what scripts/doctor finds. Whether this machine's own disk is full is not asked.
func doctor(t *testing.T, args ...string) (found []finding) {
	t.Helper()
	text, err := script("doctor", append([]string{"--json", "--free", "0.1"}, args...)...)
	var response struct{ Findings []finding }
	if parsed := json.Unmarshal([]byte(text), &response); parsed != nil {
		t.Fatalf("scripts/doctor: %v\n%s", err, text)
	}
	if (err != nil) != (len(response.Findings) > 0) {
		t.Errorf("scripts/doctor ends with %v, and finds %v", err, response.Findings)
	}
	return response.Findings
}

// ofTheMachine are alerts that fire, at the speed of these tests, where the machine is busy with them for some seconds.
var ofTheMachine = []string{"CPUHigh", "MemoryHigh", "DiskSpaceLow", "SlowAnswers"}

// wantHealthy fails the test unless the doctor soon finds nothing: what has been broken before may be mending. That
// tasks failed minutes ago is true, since the tests before kill them, and no fault of the stack.
func wantHealthy(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); ; time.Sleep(time.Second) {
		found := slices.DeleteFunc(doctor(t), func(f finding) bool {
			name, _, _ := strings.Cut(f.What, " ")
			return f.About == "alert" && slices.Contains(ofTheMachine, name) ||
				f.About == "task" && strings.Contains(f.Says, "have failed within")
		})
		if len(found) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("of a healthy stack the doctor says %+v", found)
		}
	}
}

// awaitFindings waits until the doctor has found all of these, ABOUT: SAYS.
func awaitFindings(t *testing.T, wanted ...string) {
	t.Helper()
	for deadline := time.Now().Add(90 * time.Second); ; time.Sleep(time.Second) {
		var missing []string
		found := doctor(t)
		for _, want := range wanted {
			about, says, _ := strings.Cut(want, ": ")
			there := false
			for _, f := range found {
				there = there || f.About == about && strings.Contains(f.Says, says) && f.Do != ""
			}
			if !there {
				missing = append(missing, want)
			}
		}
		if len(missing) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the doctor does not say %q, but %+v", missing, found)
		}
	}
}

// testDoctor breaks several things at once in stage observability, which is well before and after, and checks what the
// doctor finds.
func testDoctor(t *testing.T) {
	began := time.Now()
	awaitSettled(t)
	wantHealthy(t)
	figuref("scripts/doctor, until it says nothing of a healthy stack: %.0f s", time.Since(began).Seconds())
	began = time.Now()

	// A service whose update fails, and whose old image is gone when that is rolled back.
	const gone = "localhost/woodytoys/sick:gone"
	mustDocker(t, "tag", "mariadb:11.8", gone)
	mustDocker(t, "service", "create", "--quiet", "--name", "woody_sick", "--no-resolve-image",
		"--label", "com.docker.stack.namespace=woody", "--restart-delay", "200ms", "--stop-grace-period", "1s",
		// longer than a failure takes to be seen on a busy machine, or the Swarm calls the rollback complete
		"--update-monitor", "30s", "--update-failure-action", "rollback",
		"--rollback-monitor", "30s", "--rollback-failure-action", "pause", "--entrypoint", "sleep", gone, "600")
	mustDocker(t, "rmi", gone)
	mustDocker(t, "service", "update", "--quiet", "--detach", "--no-resolve-image", "--entrypoint", "/api",
		"--args", "--no-such-flag", "--image", "localhost/woodytoys/api:"+broken, "woody_sick")
	// One that DNS gives the name of the API's tasks.
	mustDocker(t, "service", "create", "--quiet", "--detach", "--name", "liar", "--no-resolve-image",
		"--network", "name=woody_edge,alias=tasks.api", "--endpoint-mode", "dnsrr", "--entrypoint", "sleep",
		"mariadb:11.8", "600")
	mustDocker(t, "service", "scale", "--detach", "woody_redis=0", "woody_database-exporter=0")
	secret := filepath.Join(tree, "secrets", "redis_password")
	if err := os.Rename(secret, secret+".away"); err != nil {
		t.Fatal(err)
	}
	mend := sync.OnceFunc(func() { // whatever is found, or the tests after this one would miss it all
		if err := os.Rename(secret+".away", secret); err != nil {
			t.Error(err)
		}
		mustDocker(t, "service", "rm", "woody_sick", "liar")
		mustDocker(t, "service", "scale", "--detach", "woody_redis=1", "woody_database-exporter=1")
	})
	defer mend()
	awaitFindings(t,
		"update: The rollback of sick is paused",
		"dns: DNS leads tasks.api to ",
		"session: The replica ",
		"task: redis is scaled to nothing",
		"watch: Fewer targets of the job database answer Prometheus",
		"alert: The alert ContainerDown fires (critical)",
		"secret: secrets/redis_password is missing here",
	)
	figuref("scripts/doctor, until it has found seven faults: %.0f s", time.Since(began).Seconds())

	mend()
	began = time.Now()
	wantHealthy(t)
	figuref("scripts/doctor, until it says nothing again: %.0f s", time.Since(began).Seconds())
}

// testNodeDown ends the engine of the last node, on which nothing runs, and checks that the doctor finds it.
func testNodeDown(t *testing.T) {
	wantHealthy(t)
	pid, err := os.ReadFile(filepath.Join(swarmDir, "3", "pid"))
	if err != nil {
		t.Fatal(err)
	}
	engine, err := strconv.Atoi(strings.TrimSpace(string(pid)))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(engine, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	awaitFindings(t, "node: The node "+swarmName+"3 is down")
}
