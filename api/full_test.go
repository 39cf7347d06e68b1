package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/servers"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// mustMountDisk makes a small disk. It takes root, which CI is.
func mustMountDisk(t *testing.T, size int64) *servers.Disk {
	t.Helper()
	disk, err := servers.MountDisk(t.TempDir(), size)
	if errors.Is(err, os.ErrPermission) && os.Getenv("CI") == "" {
		t.Skip("only root may mount the small disk that this test fills: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := disk.Close(); err != nil {
			t.Error(err)
		}
	})
	return disk
}

// TestAFullDisk fills the disk of the database under a running shop: writes get an error that says so and reads go on,
// /readyz and the log say it, the log once, and all of it ends by itself when there is room again.
func TestAFullDisk(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		disk := mustMountDisk(t, 8<<20)
		testAFullDisk(t, disk, "WOODY_DB_DSN=", "WOODY_DATA_DIR="+disk.Dir)
	})
	t.Run("mariadb", func(t *testing.T) {
		disk := mustMountDisk(t, 256<<20)
		t.Setenv("TMPDIR", disk.Dir)
		server := servertest.MustStartMariaDB(t)
		dsn := servertest.MustMakeDatabase(t, server)
		testAFullDisk(t, disk, "WOODY_DB_DSN="+dsn)
	})
}

func testAFullDisk(t *testing.T, disk *servers.Disk, settings ...string) {
	settings = append(settings, "WOODY_SLOW_QUERY_DELAY=0", "WOODY_ORDER_WORKERS=1", "WOODY_HEAVY_DELAY=100ms")
	r := mustStartReplica(t, settings...)
	mustAwait(t, r.URL+"/readyz", http.StatusOK, `"database":"up"`)
	name := strings.Repeat("x", 200)
	added := 0
	add := func() (response *http.Response, text string) {
		t.Helper()
		response, err := http.Post(r.URL+"/api/products", "application/json", strings.NewReader(`{"name":"`+name+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		if response.StatusCode == http.StatusCreated {
			added++
		}
		return response, string(body)
	}
	for range 50 { // that are to be validated on a full disk
		mustAwait(t, r.URL+"/api/orders/do?order=Yoyo", http.StatusOK, "")
	}
	if err := disk.Fill(); err != nil {
		t.Fatal(err)
	}
	response, text := add()
	for response.StatusCode == http.StatusCreated && added < 100_000 { // in what room the files have within
		response, text = add()
	}
	later := response.Header.Get("Retry-After")
	if response.StatusCode != http.StatusInsufficientStorage || later != "" || !strings.Contains(text, "no room") {
		t.Errorf("a product on a full disk, after %d: %s %q, Retry-After %q", added, response.Status, text, later)
	}
	mustAwait(t, r.URL+"/readyz", http.StatusOK, `"database":"full"`)
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		// Past the time after which it is tried whether there is room.
		status, body := mustGet(t, r.URL+"/readyz")
		if status != http.StatusOK || !strings.Contains(body, `"database":"full"`) {
			t.Errorf("/readyz on a full disk: %d %s", status, body)
		}
	}
	for range 20 {
		add()
	}
	mustAwait(t, r.URL+"/api/products/1", http.StatusOK, "Yoyo")
	for _, line := range []string{"the database has no room", "claim orders"} {
		if got := strings.Count(r.Log(), line); got > 1 || got == 0 && line != "claim orders" {
			t.Errorf("the log says %d times %q, want once", got, line)
		}
	}

	if err := disk.Free(); err != nil {
		t.Fatal(err)
	}
	mustAwait(t, r.URL+"/readyz", http.StatusOK, `"database":"up"`)
	if response, text := add(); response.StatusCode != http.StatusCreated {
		t.Errorf("a product, once there is room again: %s %s", response.Status, text)
	}
	if got := strings.Count(r.Log(), "the database is back"); got != 1 {
		t.Errorf("the log says %d times that the database is back, want once", got)
	}
	// What was refused is not there.
	mustAwait(t, r.URL+"/api/products/last", http.StatusOK, fmt.Sprintf(" - %d products", 2+added))
	if t.Failed() {
		t.Log(r.Log())
	}
}
