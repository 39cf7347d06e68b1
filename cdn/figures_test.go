package cdn_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// figures returns what the exporter gives Prometheus, or why it gives nothing.
func figures(addr string) string {
	response, err := http.Get("http://" + addr + "/metrics")
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// mustBeSaid returns once the exporter says what is looked for.
func mustBeSaid(t *testing.T, addr, want string) {
	t.Helper()
	for deadline := time.Now().Add(servers.Patience); ; time.Sleep(50 * time.Millisecond) {
		page := figures(addr)
		if strings.Contains(page, want) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the exporter never says %q:\n%.2000s", want, page)
		}
	}
}

// exporter returns the process that the entrypoint started for an edge's figures.
func exporter(t *testing.T, addr string) int {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		words, _ := os.ReadFile(line) // it may have ended
		name, rest, _ := strings.Cut(string(words), "\x00")
		if name == "prometheus-varnish-exporter" && strings.Contains(rest, addr) {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(line)))
			if err != nil {
				t.Fatal(err)
			}
			return pid
		}
	}
	t.Fatalf("no exporter listens at %s", addr)
	return 0
}

// TestFigures checks that the edge's exporter serves Varnish's figures, is started again after it has died, and ends
// with the edge.
func TestFigures(t *testing.T) {
	t.Parallel()
	front := mustStartFront(t)
	addr := "127.0.0.1:" + mustFindFreePort(t, "127.0.0.1")
	edge := mustStartEdge(t, []string{front.Addr}, "WOODY_CDN_METRICS_ADDR="+addr)
	mustBeSaid(t, addr, "\nvarnish_up 1\n")
	for range 2 {
		mustAsk(t, edge.URL+mustFind(t, mustListAssets(t, front.URL), "style"))
	}
	mustBeSaid(t, addr, "\nvarnish_main_cache_hit 1\n")

	if err := syscall.Kill(exporter(t, addr), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	mustBeSaid(t, addr, "\nvarnish_up 1\n")

	edge.Close()
	deadline := time.Now().Add(servers.Patience)
	for strings.Contains(figures(addr), "varnish_up") {
		if time.Now().After(deadline) {
			t.Fatal("the exporter goes on after the edge has ended")
		}
		time.Sleep(20 * time.Millisecond)
	}
}
