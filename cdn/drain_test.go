package cdn_test

import (
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// TestEdgeEndsGently ends an edge over a large answer, as Docker does, and as a terminal does: Ctrl-C and its own end
// go to all processes of the group. Who asks for readiness is told, who comes meanwhile is served, and the response
// comes to its end.
func TestEdgeEndsGently(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			testEdgeEndsGently(t, signal)
		})
	}
}

func testEdgeEndsGently(t *testing.T, signal syscall.Signal) {
	front := mustStartFront(t, "WOODY_FRONT_LIMIT_RATE=400k")
	assets := mustListAssets(t, front.URL)
	edge := mustStartEdge(t, []string{front.Addr}, "WOODY_DRAIN_DELAY=500ms", "WOODY_DRAIN_TIMEOUT=30s")
	response, err := client.Get(edge.URL + mustFind(t, assets, "hero")) // takes twelve seconds: it is open for as long
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := syscall.Kill(-edge.PID(), signal); err != nil {
		t.Fatal(err)
	}
	for mustAsk(t, edge.URL+"/readyz").status != 503 {
		time.Sleep(5 * time.Millisecond)
	}
	if err := edge.Signal(syscall.SIGHUP); err != nil { // the shell of a closed terminal sends SIGHUP again
		t.Fatal(err)
	}
	late, err := client.Get(edge.URL + mustFind(t, assets, "icon"))
	if err != nil {
		t.Fatalf("while draining: %v", err)
	}
	late.Body.Close()
	if late.StatusCode != 200 || !late.Close {
		t.Errorf("while draining: %s, connection closed: %t, want 200 and the end of the connection",
			late.Status, late.Close)
	}
	if n, err := io.Copy(io.Discard, response.Body); err != nil || n != response.ContentLength {
		t.Errorf("the answer under way came to %d of %d bytes: %v", n, response.ContentLength, err)
	}
	if err := edge.Wait(); err != nil {
		t.Errorf("the edge ended with %v, want exit status 0", err)
	}
	if edge.Listens() {
		t.Error("the edge has ended and something still listens")
	}
}

// TestEdgeEndsInTime checks that the edge ends within WOODY_DRAIN_TIMEOUT, though a response takes longer.
func TestEdgeEndsInTime(t *testing.T) {
	t.Parallel()
	front := mustStartFront(t, "WOODY_FRONT_LIMIT_RATE=300k")
	hero := mustFind(t, mustListAssets(t, front.URL), "hero")
	edge := mustStartEdge(t, []string{front.Addr}, "WOODY_DRAIN_TIMEOUT=1s")
	response, err := client.Get(edge.URL + hero)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	began := time.Now()
	if err := edge.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := edge.Wait(); err != nil {
		t.Errorf("the edge ended with %v, want exit status 0", err)
	}
	if took := time.Since(began); took < 900*time.Millisecond || took > 12*time.Second {
		t.Errorf("that took %v, want a second or little more: the answer takes 16", took)
	}
}

// TestEdgeDiesWhole kills the entrypoint alone: varnishd must not stay behind.
func TestEdgeDiesWhole(t *testing.T) {
	t.Parallel()
	edge := mustStartEdge(t, []string{"127.0.0.1:9"})
	edge.Process.Kill()
	for deadline := time.Now().Add(servers.Patience); edge.Listens(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("long after the end of the entrypoint something still listens")
		}
	}
}

// TestLostVarnishdEndsTheEdge: whoever started the edge is to start it again.
func TestLostVarnishdEndsTheEdge(t *testing.T) {
	t.Parallel()
	edge := mustStartEdge(t, []string{"127.0.0.1:9"})
	if err := syscall.Kill(mustFindVarnishd(t, edge), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	select {
	case <-edge.Done():
		if err := edge.Wait(); err == nil || !strings.Contains(edge.Log(), "varnishd ended") {
			t.Errorf("the edge ended with %v and said %q, want a failure that says why", err, edge.Log())
		}
	case <-time.After(servers.Patience):
		t.Fatal("long after the end of varnishd the edge does not end")
	}
}
