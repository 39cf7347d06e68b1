package main

import (
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/programs"
)

// TestOutOfDescriptors opens 200 silent connections to a process that may have 64 descriptors, and checks that it goes
// on serving the others, database and all, and that its health check passes.
func TestOutOfDescriptors(t *testing.T) {
	t.Parallel()
	few := exec.Command("sh", "-c", `ulimit -n 64 && exec "$0"`, os.Args[0])
	few.Env = append(os.Environ(), asProgram+"=1", "WOODY_DATA_DIR="+t.TempDir(), "WOODY_SLOW_QUERY_DELAY=0")
	shop, err := programs.StartShop(few, filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(shop.Kill)
	keepAlive := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}}
	wantOK(t, keepAlive, shop.URL+"/api/ping")
	crowd := make([]net.Conn, 200)
	for i := range crowd {
		if crowd[i], err = net.Dial("tcp", shop.Addr()); err != nil {
			t.Fatal(err)
		}
		defer crowd[i].Close()
	}
	if err := shop.AwaitLog("all connections are taken"); err != nil {
		t.Fatal(err)
	}
	wantOK(t, keepAlive, shop.URL+"/api/products?product=Robot")
	wantOK(t, keepAlive, shop.URL+"/api/products/last")
	wantOK(t, &http.Client{}, shop.URL+"/api/products/last")
	mustBeHealthy(t, "WOODY_ADDR="+shop.Addr())
	if log := shop.Log(); strings.Contains(log, "too many open files") {
		t.Errorf("there was no descriptor for something:\n%s", log)
	}
}

// TestOperatorsHaveRoomOfTheirOwn takes all connections for callers who wait for their responses: metrics are answered.
func TestOperatorsHaveRoomOfTheirOwn(t *testing.T) {
	few := exec.Command("sh", "-c", `ulimit -n 64 && exec "$0"`, os.Args[0])
	few.Env = append(os.Environ(), asProgram+"=1")
	shop, err := programs.StartShop(few, filepath.Join(t.TempDir(), "log"), "WOODY_DATA_DIR="+t.TempDir(),
		"WOODY_ADMIN_ADDR=127.0.0.1:0", "WOODY_HEAVY_DELAY=1h")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(shop.Kill)
	for range 64 {
		c, err := net.Dial("tcp", shop.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, "GET /api/misc/heavy HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	if err := shop.AwaitLog("all connections are taken"); err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Timeout: 30 * time.Second}
	wantOK(t, client, (&replica{shop}).metricsURL())
}

func wantOK(t *testing.T, client *http.Client, url string) {
	t.Helper()
	response, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil { // the connection is used again only if all is read
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		t.Errorf("%s is answered %s", url, response.Status)
	}
}
