package cdn_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/programs"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// TestOriginDown takes the front away, and brings it back.
func TestOriginDown(t *testing.T) {
	t.Parallel()
	// a port that nobody is given by chance while it is away
	addr := "WOODY_ADDR=127.0.0.1:" + mustFindFreePort(t, "127.0.0.1")
	front := mustStartFront(t, addr)
	assets := mustListAssets(t, front.URL)
	cold, warm := assets[0], assets[1:]
	edge := mustStartEdge(t, []string{front.Addr})
	want := map[string]response{}
	for _, path := range warm {
		want[path] = mustAsk(t, front.URL+path)
		mustAsk(t, edge.URL+path).wantSame(t, want[path])
	}
	front.Kill()
	for _, path := range warm {
		got := mustAsk(t, edge.URL+path)
		got.wantSame(t, want[path])
		if status := got.header.Get("Cache-Status"); !strings.HasPrefix(status, "edge; hit") {
			t.Errorf("%s: Cache-Status = %q, want a hit", path, status)
		}
	}
	began := time.Now()
	got := mustAsk(t, edge.URL+cold)
	if got.status != 503 || got.header.Get("Retry-After") == "" || got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("a cold asset: %d %v, want 503 with Retry-After and no-store", got.status, got.header)
	}
	if took := time.Since(began); took > 12*time.Second { // one that is waited for has 15
		t.Errorf("that took %v, want an answer soon", took)
	}
	mustStartFront(t, addr)
	deadline := time.Now().Add(servers.Patience)
	for ; mustAsk(t, edge.URL+cold).status != 200; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the front is back for long and the edge does not use it")
		}
	}
}

// TestDeadTaskIsPassedOver checks that every asset is served while one of two origins is gone, before any health check
// can have noticed.
func TestDeadTaskIsPassedOver(t *testing.T) {
	t.Parallel()
	front := mustStartFront(t)
	assets := mustListAssets(t, front.URL)
	edge := mustStartEdge(t, []string{"127.0.0.1:1", front.Addr})
	for _, path := range assets {
		mustAsk(t, edge.URL+path).wantSame(t, mustAsk(t, front.URL+path))
	}
}

// TestUnwellOriginIsLeftAlone checks that an origin whose health checks fail, while it would respond to all else, is
// not given up at once, then gets no requests, and gets them again once it is well; another origin is well all the
// time.
func TestUnwellOriginIsLeftAlone(t *testing.T) {
	t.Parallel()
	unwell, well := mustStartStage(t), mustStartStage(t)
	edge := mustStartEdge(t, []string{unwell.addr, well.addr})
	cold := 0
	share := func() (asked int) { // how many of 20 cold assets the unwell one was asked for
		for range 20 {
			cold++
			path := fmt.Sprintf("/assets/cold-%d.txt", cold)
			for _, stage := range []*stage{unwell, well} {
				stage.script(path).expect(says("v1", "Cache-Control", "max-age=60"))
			}
			if got := mustAsk(t, edge.URL+path); got.status != 200 {
				t.Errorf("%s: status = %d, want 200", path, got.status)
			}
			asked += len(unwell.script(path).requests())
		}
		return asked
	}
	unwell.unwell.Store(2) // and no more: however late the edge is asked, it has not given up
	mustBeChecked(t, unwell, 2)
	if share() == 0 {
		t.Error("after two failed checks it was not asked")
	}
	unwell.unwell.Store(1000)
	// Four failures, one check that may have come before, and one of which the edge may not have the result yet.
	mustBeChecked(t, unwell, 6)
	if n := share(); n > 0 {
		t.Errorf("after many failed checks it was asked for %d assets", n)
	}
	unwell.unwell.Store(0)
	mustBeChecked(t, unwell, 4)
	if share() == 0 {
		t.Error("when it is well again it was not asked")
	}
}

// mustBeChecked waits for so many more health checks.
func mustBeChecked(t *testing.T, stage *stage, times int64) {
	t.Helper()
	wanted := stage.checked.Load() + times
	for deadline := time.Now().Add(servers.Patience); stage.checked.Load() < wanted; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d health checks in time, want %d", stage.checked.Load(), wanted)
		}
	}
}

// TestHalfAnswerIsReplaced checks that when an origin cuts a small asset off in the middle, the client gets the whole
// from another origin.
func TestHalfAnswerIsReplaced(t *testing.T) {
	t.Parallel()
	bad, good := mustStartStage(t), mustStartStage(t)
	edge := mustStartEdge(t, []string{bad.addr, good.addr})
	broken := 0
	for n := range 20 { // about half of them come to the bad one first
		path := fmt.Sprintf("/assets/half-%d.txt", n)
		bad.script(path).expect(&reply{body: "v", cut: true, header: []string{"Cache-Control", "max-age=60"}})
		good.script(path).expect(says("v1", "Cache-Control", "max-age=60"))
		if got := mustAsk(t, edge.URL+path); got.status != 200 || string(got.body) != "v1" {
			t.Errorf("%s: %d %q, want what the good origin says", path, got.status, got.body)
		}
		broken += len(bad.script(path).requests())
	}
	if broken == 0 {
		t.Error("nothing came to the bad origin: the test shows nothing")
	}
}

// names is a name service of the edge's own, in which the fronts of the test are "front".
type names struct {
	t    *testing.T
	file string
	port string
}

// mustStartNamedEdge starts an edge whose origin is called front, of which the name service knows nothing yet: a
// stand-in for getent says what is in a file. Each front of the test has an address of its own, and all have the same
// port, as the tasks of a service have. More stand-ins are pairs of a program's name and a shell script.
func mustStartNamedEdge(t *testing.T, standIns ...string) (*programs.Varnish, names) {
	t.Helper()
	dir := t.TempDir()
	names := names{t, filepath.Join(dir, "hosts"), mustFindFreePort(t, "127.0.0.2")}
	names.are()
	standIns = append(standIns, "getent", "cat "+names.file)
	for i := 0; i < len(standIns); i += 2 {
		if err := servers.WriteScript(filepath.Join(dir, standIns[i]), "#!/bin/sh\n"+standIns[i+1]+"\n"); err != nil {
			t.Fatal(err)
		}
	}
	return mustStartEdge(t, []string{"front:" + names.port}, "PATH="+dir+":"+os.Getenv("PATH")), names
}

// are gives "front" these addresses from now on.
func (n names) are(addresses ...string) {
	n.t.Helper()
	var text strings.Builder
	for _, address := range addresses {
		fmt.Fprintf(&text, "%s front\n", address)
	}
	if err := os.WriteFile(n.file, []byte(text.String()), 0o644); err != nil {
		n.t.Fatal(err)
	}
}

// mustStartFront starts a front at an address.
func (n names) mustStartFront(address string, settings ...string) *programs.Front {
	n.t.Helper()
	return mustStartFront(n.t, append(settings, "WOODY_ADDR="+address+":"+n.port, "WOODY_REPLICA_ID=at-"+address)...)
}

// mustFollow waits until the edge logs that it uses these addresses.
func (n names) mustFollow(edge *programs.Varnish, addresses ...string) {
	n.t.Helper()
	line := "cdn: origin:"
	for _, address := range addresses {
		line += " " + address + ":" + n.port
	}
	began := time.Now()
	for !strings.HasSuffix(strings.TrimSpace(edge.Log()), line) {
		if time.Since(began) > servers.Patience { // it may have to compile its VCL more than once
			n.t.Fatalf("the edge does not say %q", line)
		}
		time.Sleep(5 * time.Millisecond)
	}
	n.t.Logf("followed after %.1f s", time.Since(began).Seconds())
}

// TestEdgeFollowsTheOrigin moves the origin, with no overlap and nothing said to the edge but in its name service.
func TestEdgeFollowsTheOrigin(t *testing.T) {
	t.Parallel()
	edge, names := mustStartNamedEdge(t)
	if got := mustAsk(t, edge.URL+"/assets/app.1.js"); got.status != 503 {
		t.Errorf("without an origin: status = %d, want 503", got.status)
	}
	first := names.mustStartFront("127.0.0.2")
	assets := mustListAssets(t, first.URL)
	names.are("127.0.0.2")
	names.mustFollow(edge, "127.0.0.2")
	if by := mustAsk(t, edge.URL+assets[0]).header.Get("X-Served-By"); by != "at-127.0.0.2" {
		t.Errorf("served by %q, want the first front", by)
	}
	first.Kill()
	names.mustStartFront("127.0.0.3")
	names.are("127.0.0.3")
	names.mustFollow(edge, "127.0.0.3")
	if by := mustAsk(t, edge.URL+assets[1]).header.Get("X-Served-By"); by != "at-127.0.0.3" {
		t.Errorf("served by %q, want the second front", by)
	}
	if kept := mustAsk(t, edge.URL+assets[0]).header; !strings.HasPrefix(kept.Get("Cache-Status"), "edge; hit") {
		t.Errorf("after the move, Cache-Status = %q, want a hit: the cache is to outlive it", kept.Get("Cache-Status"))
	}
	names.are()                         // the name service is away: better old addresses than none
	time.Sleep(3500 * time.Millisecond) // long enough for it to have followed
	if got := mustAsk(t, edge.URL+assets[2]); got.status != 200 {
		t.Errorf("with a name that has no address: status = %d, want 200 from the last one", got.status)
	}
}

// TestOneNameOfTwoIsGone checks that of an origin of two names, one of which has no address for a while, the last
// address of that one is kept. The edge dropped it.
func TestOneNameOfTwoIsGone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	gone, asked := filepath.Join(dir, "gone"), filepath.Join(dir, "asked")
	getent := "#!/bin/sh\necho >>" + asked + "\n[ $2 = a ] && echo 127.0.0.2 a && exit\n[ -e " + gone +
		" ] && exit 2\necho 127.0.0.3 b\n"
	if err := servers.WriteScript(filepath.Join(dir, "getent"), getent); err != nil {
		t.Fatal(err)
	}
	edge := mustStartEdge(t, []string{"a:81", "b:82"}, "PATH="+dir+":"+os.Getenv("PATH"))
	if err := os.WriteFile(gone, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	looked := func() int64 {
		info, err := os.Stat(asked)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	before, deadline := looked(), time.Now().Add(time.Minute)
	for ; looked() < before+5; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) { // five, of which two were surely after the file was written, and followed
			t.Fatal("for a minute the edge does not look its origin up")
		}
	}
	if strings.Contains(edge.Log(), "cdn: origin:") ||
		!strings.Contains(edge.Log(), "origin: 127.0.0.2:81 127.0.0.3:82") {
		t.Errorf("the edge said %q, want both addresses and no change", edge.Log())
	}
}

// TestWhatVarnishDidNotTakeIsTriedAgain checks that new addresses are loaded again after varnishd has refused them
// once, as on a machine that is too busy to compile the VCL in time. The edge kept the old ones for good.
func TestWhatVarnishDidNotTakeIsTriedAgain(t *testing.T) {
	t.Parallel()
	edge, names := mustStartNamedEdge(t, "varnishadm", `
case "$*" in *vcl.load*) mkdir "$0.refused" 2>/dev/null && exit 1 ;; esac
PATH=${PATH#*:} # where the real one is
exec varnishadm "$@"`)
	names.are("127.0.0.2")
	names.mustFollow(edge, "127.0.0.2")
	if !strings.Contains(edge.Log(), "could not load the VCL") {
		t.Error("varnishd refused nothing: the test shows nothing")
	}
}

// TestFrontsAreRolledUnderLoad scales and replaces the fronts, gently and not, while clients ask for what is kept, for
// what is not, and for what another release's pages name. Nothing may fail.
func TestFrontsAreRolledUnderLoad(t *testing.T) {
	t.Parallel()
	edge, names := mustStartNamedEdge(t)
	a, b := names.mustStartFront("127.0.0.2"), names.mustStartFront("127.0.0.3")
	assets := mustListAssets(t, a.URL)
	names.are("127.0.0.2", "127.0.0.3")
	names.mustFollow(edge, "127.0.0.2", "127.0.0.3")

	ctx, stop := context.WithCancel(context.Background())
	var responses atomic.Int64
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for ctx.Err() == nil {
				for _, path := range []string{
					assets[rand.IntN(len(assets))],
					fmt.Sprintf("/assets/style.%016x.css", rand.Uint64()), // never kept: the origin is asked each time
				} {
					got, err := ask(http.MethodGet, edge.URL+path)
					if err != nil || got.status != 200 {
						t.Errorf("%s: %d %v %s", path, got.status, err, got.header)
					}
					responses.Add(1)
				}
				time.Sleep(10 * time.Millisecond) // some hundreds of responses a second show as much as thousands
			}
		})
	}
	names.mustStartFront("127.0.0.4") // one more
	names.are("127.0.0.2", "127.0.0.3", "127.0.0.4")
	names.mustFollow(edge, "127.0.0.2", "127.0.0.3", "127.0.0.4")

	names.are("127.0.0.3", "127.0.0.4") // one ends as a rolled task does: out of the name service, then SIGTERM
	if err := a.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := a.Wait(); err != nil {
		t.Errorf("the first front ended with %v", err)
	}
	names.mustFollow(edge, "127.0.0.3", "127.0.0.4")

	names.mustStartFront("127.0.0.5") // one is lost, and another comes a while later
	b.Kill()
	names.are("127.0.0.4", "127.0.0.5")
	names.mustFollow(edge, "127.0.0.4", "127.0.0.5")
	for deadline := time.Now().Add(servers.Patience); responses.Load() < 200 && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	stop()
	group.Wait()
	t.Logf("%d answers", responses.Load())
	if responses.Load() < 200 {
		t.Errorf("%d answers, want 200 at least: too few to show anything", responses.Load())
	}
}
