package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// TestALostDatabase stops MariaDB under a running replica and starts it again: the replica stays in
// the proxy, says what is wrong, fails clearly, and recovers by itself.
func TestALostDatabase(t *testing.T) {
	server, err := servers.StartMariaDB()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	dsn, err := server.NewDatabase()
	if err != nil {
		t.Fatal(err)
	}
	r := mustStartReplica(t, "WOODY_DB_DSN="+dsn)
	mustAwait(t, r.URL+"/readyz", http.StatusOK, `"database":"up"`)
	mustAwait(t, r.URL+"/api/products/1", http.StatusOK, "Yoyo")

	server.Stop(10 * time.Second)
	mustAwait(t, r.URL+"/readyz", http.StatusOK, `"database":"down"`)
	answer, err := http.Get(r.URL + "/api/products?product=Robot")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
		t.Errorf("a write without a database: %s, Retry-After %q", answer.Status, answer.Header.Get("Retry-After"))
	}
	if status, body := mustGet(t, r.URL+"/api/products/1"); status != http.StatusServiceUnavailable ||
		body != "The database does not answer; try again later." {
		t.Errorf("a read without a database: %d %q", status, body)
	}

	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	mustAwait(t, r.URL+"/readyz", http.StatusOK, `"database":"up"`)
	mustAwait(t, r.URL+"/api/products?product=Robot", http.StatusOK, "Robot")
}

// mustAwait asks until the answer has the status and holds the text, for half a minute at most.
func mustAwait(t *testing.T, url string, status int, text string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		gotStatus, got := mustGet(t, url)
		if gotStatus == status && strings.Contains(got, text) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("GET %s = %d %q, want %d and %q", url, gotStatus, got, status, text)
		}
	}
}
