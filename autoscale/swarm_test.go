//go:build e2e

package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// mustStartService starts a Swarm of one node with the service api of a stack, two replicas of the program that is
// nothing but that, and has docker lead to it.
func mustStartService(t *testing.T) *servers.Engine {
	t.Helper()
	engines, err := servers.StartEngines(1)
	if err != nil {
		t.Fatalf("start an engine (scripts/need docker iproute): %v", err)
	}
	t.Cleanup(func() {
		if err := engines.Close(); err != nil {
			t.Error(err)
		}
	})
	e := engines.All[0]
	t.Setenv("DOCKER_HOST", e.Host)
	mustDocker(t, e, "swarm", "init", "--advertise-addr", e.Address)
	importing := exec.Command("docker", "import", "-", "shop:1")
	importing.Stdin = mustPack(t)
	if out, err := importing.CombinedOutput(); err != nil {
		t.Fatalf("make an image: %v %s", err, out)
	}
	mustDocker(t, e, "service", "create", "--detach", "--no-resolve-image", "--name", "woody_api", "--label",
		"com.docker.stack.namespace=woody", "--replicas", "2", "shop:1", "/api")
	return e
}

// mustPack returns an image's files: the shop.
func mustPack(t *testing.T) *bytes.Buffer {
	t.Helper()
	file := filepath.Join(t.TempDir(), "api")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", file,
		"github.com/woodytoys/woodytoys/api")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the shop: %v %s", err, out)
	}
	program, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	w := tar.NewWriter(&packed)
	err = errors.Join(w.WriteHeader(&tar.Header{Name: "tmp/", Typeflag: tar.TypeDir, Mode: 0o1777}),
		w.WriteHeader(&tar.Header{Name: "api", Mode: 0o755, Size: int64(len(program))}))
	_, failed := w.Write(program)
	if err := errors.Join(err, failed, w.Close()); err != nil {
		t.Fatal(err)
	}
	return &packed
}

func mustDocker(t *testing.T, e *servers.Engine, args ...string) string {
	t.Helper()
	output, err := e.Docker(args...)
	if err != nil {
		t.Fatal(err)
	}
	return output
}

// awaitObservation waits until an observation is as wanted.
func awaitObservation(t *testing.T, on *swarm, what string, wanted func(Observation) bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		l, err := on.Observe(t.Context())
		if err == nil && wanted(l) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("it does not come that %s: %+v, %v", what, l, err)
		}
	}
}

// TestSwarm scales a service of Docker Swarm, while others do, and has one autoscaler at a time.
func TestSwarm(t *testing.T) {
	t.Chdir("..") // as scripts/autoscale
	e := mustStartService(t)
	on := &swarm{stack: "woody", min: 2, window: time.Minute, lock: &lock{name: "woody_autoscaler"}}
	if err := on.lock.take(t.Context()); err != nil {
		t.Fatal(err)
	}
	awaitObservation(t, on, "two replicas run",
		func(l Observation) bool { return l.Wanted == 2 && l.Running == 2 && l.Busy == "" })

	if err := on.Scale(t.Context(), 2, 4); err != nil {
		t.Fatal(err)
	}
	awaitObservation(t, on, "four replicas run",
		func(l Observation) bool { return l.Wanted == 4 && l.Running == 4 && l.Busy == "" })
	for _, row := range []struct{ asked, want string }{{"", "4 4:2 2"}, {"7", "7  "}} {
		if got := deployScale(t, row.asked); got != row.want {
			t.Errorf("with API_REPLICAS=%s scripts/deploy goes by %q, want %q", row.asked, got, row.want)
		}
	}
	mustDocker(t, e, "service", "scale", "--detach", "woody_api=3")
	if got := deployScale(t, ""); got != "  " {
		t.Errorf("when somebody else has scaled since, scripts/deploy goes by %q, want nothing", got)
	}
	if err := on.Scale(t.Context(), 4, 2); err == nil || !strings.Contains(err.Error(), "somebody else") {
		t.Errorf("scaled by what is no more: %v", err)
	}
	awaitObservation(t, on, "three replicas run", func(l Observation) bool { return l.Wanted == 3 && l.Running == 3 })
	if _, err := on.Figures(t.Context()); err == nil || !strings.Contains(err.Error(), "no healthy Prometheus") {
		t.Errorf("figures without a Prometheus: %v", err)
	}

	if err := on.lock.give(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := on.Scale(t.Context(), 3, 4); !errors.Is(err, errLost) {
		t.Errorf("scaled without the lock, which somebody has removed: %v", err)
	}

	testOneAtATime(t)

	mustDocker(t, e, "service", "update", "--detach", "--update-delay", "1m", "--env-add", "WOODY_LOG_FORMAT=json",
		"woody_api")
	awaitObservation(t, on, "an update is seen", func(l Observation) bool {
		return strings.Contains(l.Busy,
			"an update is under way")
	})
	if err := on.Scale(t.Context(), 3, 4); err == nil || !strings.Contains(err.Error(), "an update is under way") {
		t.Errorf("scaled in an update: %v", err)
	}
	mustDocker(t, e, "service", "rm", "woody_api")
	if l, err := on.Observe(t.Context()); err == nil {
		t.Errorf("the service is gone, and looks like %+v", l)
	}
	testKeptTwice(t, e)
}

// testKeptTwice deploys the stack file that ships, as scripts/deploy does, and wants the next deploy to find again what
// this one kept. None of the images are there: the services have no tasks that run.
func testKeptTwice(t *testing.T, e *servers.Engine) {
	dir := t.TempDir()
	stack, err := os.ReadFile("stack.yml")
	if err == nil {
		err = errors.Join(os.WriteFile(filepath.Join(dir, "stack.yml"), stack, 0o600), os.Mkdir(dir+"/secrets", 0o700))
	}
	for _, secret := range regexp.MustCompile(`file: \./(secrets/\w+)`).FindAllSubmatch(stack, -1) {
		err = errors.Join(err, os.WriteFile(filepath.Join(dir, string(secret[1])), []byte("none"), 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
	deploy := exec.Command("docker", "stack", "deploy", "--resolve-image", "never", "-c", "stack.yml", "woody")
	deploy.Dir = dir
	deploy.Env = append(os.Environ(), "API_REPLICAS=4", "API_AUTOSCALED=4:2")
	if out, err := deploy.CombinedOutput(); err != nil {
		t.Fatalf("deploy stack.yml: %v %s", err, out)
	}
	if got, want := deployScale(t, ""), "4 4:2 2"; got != want {
		t.Errorf("after a deploy that kept what it was scaled to, the next one goes by %q, want %q", got, want)
	}
	mustDocker(t, e, "stack", "rm", "woody")
}

// deployScale returns what scripts/deploy makes of the service as it is: API_REPLICAS, API_AUTOSCALED and the least.
func deployScale(t *testing.T, asked string) string {
	t.Helper()
	cmd := exec.Command("bash", "-euc", `STACK=woody; eval "$(sed -n '/^asked=/,/^}/p' scripts/deploy)"; use_autoscaled
		printf '%s %s %s' "$API_REPLICAS" "$API_AUTOSCALED" "$least"`)
	cmd.Env = append(os.Environ(), "API_REPLICAS="+asked)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

// testOneAtATime starts autoscalers beside each other, and after one that was killed.
func testOneAtATime(t *testing.T) {
	program := filepath.Join(t.TempDir(), "autoscale")
	if out, err := exec.Command("go", "build", "-o", program, "./autoscale").CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	start := func() *servers.Process {
		t.Helper()
		cmd := exec.Command(program, "--every=1s", "--prometheus=http://127.0.0.1:1")
		p, err := servers.Start(cmd, filepath.Join(t.TempDir(), "log"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Kill)
		return p
	}
	await := func(p *servers.Process) {
		t.Helper()
		if err := p.AwaitLog("3 replicas: no figures: ask Prometheus"); err != nil {
			t.Fatal(err)
		}
	}
	first := start()
	await(first)
	second := start()
	if err := second.Wait(); err == nil || !strings.Contains(second.Log(), fmt.Sprintf("process %d on ", first.PID())) {
		t.Errorf("a second one: %v %s", err, second.Log())
	}
	first.Kill()
	third := start()
	await(third)
	third.Signal(syscall.SIGINT)
	if err := third.Wait(); err != nil || !strings.Contains(third.Log(), "ended: the replicas stay as they are") {
		t.Errorf("after Ctrl-C: %v %s", err, third.Log())
	}
	fourth := start()
	await(fourth)
	fourth.Stop(servers.Patience)
}
