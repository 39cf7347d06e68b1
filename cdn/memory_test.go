package cdn_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/machine"
	"github.com/woodytoys/woodytoys/internal/programs"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// TestMemoryIsBounded passes many times more through an edge than it may hold: to be kept, and not to be kept. Then
// what was asked for last must still be there, and what was asked for first be gone.
func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	const assets, size = 150, 1_000_000
	body := make([]byte, size)
	for i := range body {
		body[i] = byte(rand.Uint32())
	}
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(size))
		w.Header().Set("Cache-Control", "max-age=3600")
		if strings.Contains(r.URL.Path, "private") {
			w.Header().Set("Cache-Control", "no-store")
		}
		_, _ = w.Write(body)
	}))
	defer origin.Close()
	edge := mustStartEdge(t, []string{origin.Listener.Addr().String()}, "WOODY_CDN_MEMORY=16M")
	before := mustMeasure(t, edge)
	for _, kind := range []string{"public", "private"} {
		next := make(chan string)
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				for path := range next {
					if err := compare(edge.URL+path, body); err != nil {
						t.Error(err)
					}
				}
			})
		}
		for n := range assets {
			next <- fmt.Sprintf("/assets/%s.%d.bin", kind, n)
		}
		close(next)
		group.Wait()
	}
	grown := mustMeasure(t, edge) - before
	t.Logf("%d MB before, %d MB more after %d MB", before/1e6, grown/1e6, 2*assets*size/1_000_000)
	if most := int64(60e6); grown > most {
		t.Errorf("the edge has grown by %d MB, want %d at most", grown/1e6, most/1e6)
	}
	for path, want := range map[string]string{
		fmt.Sprintf("/assets/public.%d.bin", assets-1): "edge; hit",
		"/assets/public.0.bin":                         "edge; fwd=uri-miss",
	} {
		if got := mustAsk(t, edge.URL+path).header.Get("Cache-Status"); !strings.HasPrefix(got, want) {
			t.Errorf("%s: Cache-Status = %q, want %q", path, got, want)
		}
	}
}

// TestPassedOnIsBounded checks that the edge's memory is bounded when clients do not read the uncacheable responses
// that they have asked for. (Varnish 7.1 ends those that have no room; newer ones read no further.)
func TestPassedOnIsBounded(t *testing.T) {
	const clients, size, least = 60, 10_000_000, 5e6
	body := make([]byte, size)
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(size))
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write(body)
	}))
	edge := mustStartEdge(t, []string{origin.Listener.Addr().String()})
	t.Cleanup(origin.CloseClientConnections) // the edge still reads when the test is over
	before := mustMeasure(t, edge)
	var conns []net.Conn
	for n := range clients {
		conn, err := net.Dial("tcp", edge.Addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conns = append(conns, conn)
		fmt.Fprintf(conn, "GET /assets/slow.%d.bin HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", n)
	}
	var most int64
	began := time.Now()
	for over := false; !over; time.Sleep(20 * time.Millisecond) { // two seconds, or until it has begun
		most = max(most, mustMeasure(t, edge)-before)
		took := time.Since(began)
		over = took > 2*time.Second && most >= least || took > servers.Patience
	}
	t.Logf("%d MB more, of %d MB asked for", most/1e6, clients*size/1_000_000)
	if limit := int64(200e6); most > limit {
		t.Errorf("the edge has grown by %d MB, want %d at most", most/1e6, limit/1e6)
	}
	if most < least {
		t.Errorf("the edge has grown by %d MB only: the test shows nothing", most/1e6)
	}
	// Varnish 7.1 may end any request while there is no room. The edge itself outlives that.
	for _, conn := range conns {
		conn.Close()
	}
	err := edge.AwaitReady(servers.Patience, func() error {
		got, err := ask(http.MethodGet, edge.URL+"/readyz")
		if err == nil && got.status != http.StatusOK {
			err = fmt.Errorf("/readyz answers %d", got.status)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestLargeFindsRoomAmongSmall fills an edge with small assets, of which a thousand must go for the hero.
func TestLargeFindsRoomAmongSmall(t *testing.T) {
	t.Parallel()
	hero := bytes.Repeat([]byte("toy"), 2_000_000)
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := hero
		if !strings.Contains(r.URL.Path, "hero") {
			body = hero[:4096]
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.Header().Set("Cache-Control", "max-age=3600")
		_, _ = w.Write(body)
	}))
	defer origin.Close()
	edge := mustStartEdge(t, []string{origin.Listener.Addr().String()}, "WOODY_CDN_MEMORY=8M")
	for n := range 3000 {
		if err := compare(fmt.Sprintf("%s/assets/small.%d.bin", edge.URL, n), hero[:4096]); err != nil {
			t.Fatal(err)
		}
	}
	if nuked, err := edge.Counter("MAIN.n_lru_nuked"); err != nil || nuked == 0 {
		t.Errorf("%d assets had to go, %v; want more: the test shows nothing", nuked, err)
	}
	for range 2 {
		if err := compare(edge.URL+"/assets/hero.1.bin", hero); err != nil {
			t.Error(err)
		}
	}
	got := mustAsk(t, edge.URL+"/assets/hero.1.bin").header.Get("Cache-Status")
	if !strings.HasPrefix(got, "edge; hit") {
		t.Errorf("Cache-Status = %q, want a hit", got)
	}
}

// TestHugeAssetEvictsNothing checks that a response larger than the cache is passed through without evicting others.
func TestHugeAssetEvictsNothing(t *testing.T) {
	t.Parallel()
	stage := mustStartStage(t)
	edge := mustStartEdge(t, []string{stage.addr})
	stage.script("/assets/small.1.txt").expect(says("v1", "Cache-Control", "max-age=3600"))
	stage.script("/assets/huge.1.txt").expect(says(strings.Repeat("x", 20_000_000), "Cache-Control", "max-age=60"))
	mustAsk(t, edge.URL+"/assets/small.1.txt")
	for range 2 {
		if got := mustAsk(t, edge.URL+"/assets/huge.1.txt"); got.status != 200 || len(got.body) != 20_000_000 ||
			strings.Contains(got.header.Get("Cache-Status"), "hit") {
			t.Errorf("%d with %d bytes, %v; want the whole, passed on", got.status, len(got.body), got.header)
		}
	}
	got := mustAsk(t, edge.URL+"/assets/small.1.txt").header.Get("Cache-Status")
	if !strings.HasPrefix(got, "edge; hit") {
		t.Errorf("Cache-Status = %q, want a hit", got)
	}
}

// mustFindVarnishd returns the process id of an edge's varnishd: the manager, whose child does the work.
func mustFindVarnishd(t *testing.T, edge *programs.Varnish) int {
	t.Helper()
	for pid, parent := range mustListProcesses(t) {
		if parent == edge.PID() && strings.HasPrefix(nameOf(pid), "varnishd") {
			return pid
		}
	}
	t.Fatal("the edge has no varnishd")
	return 0
}

// mustMeasure returns the resident memory of an edge's processes in bytes.
func mustMeasure(t *testing.T, edge *programs.Varnish) (sum int64) {
	t.Helper()
	parents := mustListProcesses(t)
	for pid := range parents {
		for above := pid; above != 0; above = parents[above] {
			if above == edge.PID() {
				bytes, _ := machine.RSS(pid) // 0 of one that has ended meanwhile
				sum += bytes
			}
		}
	}
	return sum
}

// mustListProcesses returns each process's parent.
func mustListProcesses(t *testing.T) map[int]int {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	parents := map[int]int{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended meanwhile
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		var state string
		var parent int
		if _, err := fmt.Sscan(string(text[strings.LastIndexByte(string(text), ')')+1:]), &state, &parent); err != nil {
			t.Fatal(err)
		}
		parents[pid] = parent
	}
	return parents
}

func nameOf(pid int) string {
	name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	return strings.TrimSpace(string(name))
}
