//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// autoscaler is a running scripts/autoscale.
type autoscaler struct {
	cmd *exec.Cmd
	mu  sync.Mutex
	log bytes.Buffer
}

func (a *autoscaler) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.log.Write(p)
}

func (a *autoscaler) said() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.log.String()
}

// await waits until the log has a text, for so long at most.
func (a *autoscaler) await(t *testing.T, text string, atMost time.Duration) {
	t.Helper()
	for deadline := time.Now().Add(atMost); !strings.Contains(a.said(), text); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("scripts/autoscale does not say %q within %s:\n%s", text, atMost, a.said())
		}
	}
}

// mustAutoscale runs the script with shorter times than by default.
func mustAutoscale(t *testing.T) *autoscaler {
	t.Helper()
	a := &autoscaler{}
	a.cmd = exec.Command(tree+"/scripts/autoscale", "--every=1s", "--window=6s", "--up-after=3s", "--down-after=20s",
		"--settle=10s", "--stale=20s")
	a.cmd.Env, a.cmd.Stdout, a.cmd.Stderr = os.Environ(), a, a
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		a.cmd.Process.Kill()
		a.cmd.Wait()
	})
	return a
}

var scaling = regexp.MustCompile(`scale (\d+) to (\d+): `)

// scaled returns the numbers of replicas that it has scaled to, in order, and how often it turned.
func (a *autoscaler) scaled() (to []string, turns int) {
	grew := true
	for _, found := range scaling.FindAllStringSubmatch(a.said(), -1) {
		to = append(to, found[2])
		if grows := found[1] < found[2]; grows != grew { // they have one digit
			grew = grows
			turns++
		}
	}
	return to, turns
}

// heavyLoad makes heavy calls that nobody has made before at a rate, until stop is called, which returns how many there
// were, and failed.
func heavyLoad(t *testing.T, rate int) (stop func() (n, failed int64)) {
	t.Helper()
	var calls sync.WaitGroup
	var made, failed atomic.Int64
	end, ended := make(chan struct{}), make(chan struct{})
	began := time.Now()
	go func() {
		defer close(ended)
		for n := 0; ; n++ {
			select {
			case <-end:
				return
			case <-time.After(time.Until(began.Add(time.Duration(n) * time.Second / time.Duration(rate)))):
			}
			calls.Go(func() {
				made.Add(1)
				response, err := client.Get(fmt.Sprintf("%s/api/misc/heavy?name=%d-%d", nodeURL, began.UnixNano(), n))
				if err == nil {
					response.Body.Close()
				}
				if err != nil || response.StatusCode != 200 {
					failed.Add(1)
					t.Errorf("a heavy call failed: %v %v", response, err)
				}
			})
		}
	}()
	stop = sync.OnceValues(func() (int64, int64) {
		close(end)
		<-ended
		calls.Wait()
		return made.Load(), failed.Load()
	})
	t.Cleanup(func() { stop() }) // of a test that has failed
	return stop
}

func replicasOf(t *testing.T, service string) string {
	t.Helper()
	return mustDocker(t, "service", "inspect", "--format", "{{.Spec.Mode.Replicated.Replicas}}", "woody_"+service)
}

// TestLongAutoscale loads the shop with 5, 30 and 5 heavy calls a second, of which a replica can make 10, deploys
// meanwhile, and has a second autoscaler refused. On a busy machine a replica makes fewer, and more are needed.
func TestLongAutoscale(t *testing.T) {
	takes(t, 7*time.Minute)
	// Ten times shorter rules make a look of Prometheus a second.
	deploy := []string{"redis", "observability", "HEAVY_DELAY=100ms", "ALERT_SPEED=10"}
	// The next deployments would keep what it scaled to, and the tests behind this one go by three.
	t.Cleanup(func() { mustScript(t, "deploy", "redis", "API_REPLICAS=3") })
	mustScript(t, "deploy", append(deploy, "API_REPLICAS=2")...)
	a := mustAutoscale(t)
	a.await(t, "2 replicas: ", time.Minute)
	stop := heavyLoad(t, 5)
	a.await(t, "requests are in flight, and a replica is to have 1", time.Minute)
	if out, err := exec.Command(tree + "/scripts/autoscale").CombinedOutput(); err == nil ||
		!strings.Contains(string(out), "runs already") {
		t.Errorf("a second one: %v %s", err, out)
	}
	n, _ := stop()
	figuref("autoscale: %d heavy calls at 5/s on 2 replicas", n)

	stop = heavyLoad(t, 30)
	began := time.Now()
	a.await(t, "scale 2 to ", time.Minute)
	to, _ := a.scaled()
	a.await(t, to[0]+" replicas: ", time.Minute)
	figuref("autoscale: 30/s: 2 to %s replicas after %.0f s", to[0], time.Since(began).Seconds())
	mustScript(t, "deploy", deploy...)
	got := replicasOf(t, "api")
	if to, _ := a.scaled(); !slices.Contains(to, got) {
		t.Errorf("after scripts/deploy there are %s replicas, want as many as it was scaled to: %s", got, to)
	}
	n, _ = stop()
	figuref("autoscale: %d heavy calls at 30/s", n)

	stop = heavyLoad(t, 5)
	a.await(t, " to 2: ", 4*time.Minute)
	awaitSettled(t)
	n, _ = stop()
	to, turns := a.scaled()
	figuref("autoscale: %d heavy calls at 5/s; it scaled 2 to %s", n, strings.Join(to, " to "))
	if turns != 1 {
		t.Errorf("it scaled up and down more than once:\n%s", a.said())
	}
	a.cmd.Process.Signal(syscall.SIGINT)
	if err := a.cmd.Wait(); err != nil {
		t.Errorf("after Ctrl-C it ends with %v:\n%s", err, a.said())
	}
	if left := mustDocker(t, "config", "ls", "-q", "--filter", "name=woody_autoscaler"); left != "" {
		t.Error("it leaves its lock behind")
	}
	t.Logf("the log:\n%s", a.said())

	killed := mustAutoscale(t)
	killed.await(t, "2 replicas: ", time.Minute)
	killed.cmd.Process.Kill()
	killed.cmd.Wait()
	mustAutoscale(t).await(t, "2 replicas: ", time.Minute) // the lock of one that was killed is no obstacle
}
