package cdn_test

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/programs"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// mustBeUnwell waits until the edge holds its only origin for unwell: fewer than two of its last five checks were good.
func mustBeUnwell(t *testing.T, edge *programs.Varnish) {
	t.Helper()
	for deadline := time.Now().Add(servers.Patience); ; time.Sleep(20 * time.Millisecond) {
		good, err := edge.Counter("VBE.*.origin*.happy")
		if err != nil {
			t.Fatal(err)
		}
		if bits.OnesCount64(uint64(good)&31) < 2 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("in time the last checks were %b", good)
		}
	}
}

// TestBusyOriginIsAsked stops the front, as a machine does that has other work, until the edge holds it for unwell. A
// crowd that asks meanwhile for an asset which the edge has not is answered when the front goes on, by one request.
func TestBusyOriginIsAsked(t *testing.T) {
	t.Parallel()
	const crowd = 100
	front := mustStartFront(t)
	origin := mustCount(t, front.URL)
	hero := mustFind(t, mustListAssets(t, front.URL), "hero-preview")
	want := mustAsk(t, front.URL+hero)
	edge := mustStartEdge(t, []string{origin.addr})
	if err := front.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	mustBeUnwell(t, edge)
	origin.since()
	var group sync.WaitGroup
	for range crowd {
		group.Go(func() {
			if err := compare(edge.URL+hero, want.body); err != nil {
				t.Errorf("one of the crowd: %v", err)
			}
		})
	}
	deadline := time.Now().Add(servers.Patience)
	for ; origin.count() == 0 && !t.Failed(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Error("in time the origin was not asked")
		}
	}
	if err := front.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	group.Wait()
	if asked := origin.since(); !slices.Equal(asked, []string{"GET " + hero}) {
		t.Errorf("the origin was asked %q, want %s once", asked, hero)
	}
}

// TestHangingChecks checks an edge whose origin never responds to health checks, but to all else: it sends requests for
// what it has not, and of what it has, though stale, it delivers the copy and revalidates behind that.
func TestHangingChecks(t *testing.T) {
	t.Parallel()
	stage := mustStartStage(t)
	edge := mustStartEdge(t, []string{stage.addr})
	stale := stage.script("/assets/stale.1.txt")
	stale.expect(says("v1", "Cache-Control", "max-age=1"))
	mustAsk(t, edge.URL+"/assets/stale.1.txt")
	stage.hangs.Store(true)
	mustBeUnwell(t, edge)
	stale.expect(says("v2", "Cache-Control", "max-age=60"))
	got := mustAsk(t, edge.URL+"/assets/stale.1.txt")
	if status := got.header.Get("Cache-Status"); string(got.body) != "v1" || !strings.HasPrefix(status, "edge; hit") {
		t.Errorf("what is kept: %d %q, Cache-Status %q, want the copy", got.status, got.body, status)
	}
	for n := range 3 {
		path := fmt.Sprintf("/assets/cold-%d.txt", n)
		stage.script(path).expect(says("v1", "Cache-Control", "max-age=60"))
		if got := mustAsk(t, edge.URL+path); got.status != 200 {
			t.Errorf("%s: status = %d, want 200", path, got.status)
		}
	}
}

// TestCrowdMeetsADeadOrigin checks that an origin which passes no check and closes the connection on all else is asked
// twice, and that the crowd that waited for that gets one 503, soon.
func TestCrowdMeetsADeadOrigin(t *testing.T) {
	t.Parallel()
	const crowd = 50
	stage := mustStartStage(t)
	edge := mustStartEdge(t, []string{stage.addr})
	stage.hangs.Store(true)
	mustBeUnwell(t, edge)
	dead := stage.script("/assets/dead.1.txt")
	allWait := make(chan bool)
	release := sync.OnceFunc(func() { close(allWait) })
	t.Cleanup(release)
	dead.expect(&reply{gone: true, until: allWait, slow: 500 * time.Millisecond})
	var group sync.WaitGroup
	for range crowd {
		group.Go(func() {
			got := mustAskOrError(t, edge.URL+"/assets/dead.1.txt")
			if got.status != 503 || got.header.Get("Retry-After") == "" ||
				got.header.Get("Cache-Control") != "no-store" {
				t.Errorf("one of the crowd: %d %v, want 503 with Retry-After and no-store", got.status, got.header)
			}
		})
	}
	mustAwaitSleepers(t, edge, crowd-1)
	release()
	began := time.Now()
	group.Wait()
	if took := time.Since(began); took > 20*time.Second { // one after the other would be 50
		t.Errorf("that took %v", took)
	}
	if n := len(dead.requests()); n > 4 {
		t.Errorf("the origin was asked %d times, want two or, if some were told late, four", n)
	}
}

// mustAwaitSleepers waits until so many requests have begun to wait for another's, or for as long as the edge surely
// waits for the origin.
func mustAwaitSleepers(t *testing.T, edge *programs.Varnish, want int64) {
	t.Helper()
	for deadline := time.Now().Add(8 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		got, err := edge.Counter("MAIN.busy_sleep")
		if err != nil {
			t.Fatal(err)
		}
		if got >= want {
			return
		}
	}
}

// mustAskOrError is like mustAsk, for other goroutines than the test's.
func mustAskOrError(t *testing.T, url string) response {
	t.Helper()
	got, err := ask("GET", url)
	if err != nil {
		t.Error(err)
	}
	return got
}
