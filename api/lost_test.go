package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// TestALostDatabase stops MariaDB under a running replica and starts it again: the replica stays in
// the proxy, says what is wrong, fails clearly, and recovers by itself.
func TestALostDatabase(t *testing.T) {
	t.Parallel()
	server := servertest.MustStartMariaDB(t)
	dsn := servertest.MustMakeDatabase(t, server)
	r := mustStartReplica(t, "WOODY_DB_DSN="+dsn)
	mustAwait(t, r.URL+"/readyz", http.StatusOK, `"database":"up"`)
	mustAwait(t, r.URL+"/api/products/1", http.StatusOK, "Yoyo")

	server.Stop(10 * time.Second)
	mustAwait(t, r.URL+"/readyz", http.StatusOK, `"database":"down"`)
	response, err := http.Get(r.URL + "/api/products?product=Robot")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") == "" {
		t.Errorf("a write without a database: %s, Retry-After %q", response.Status, response.Header.Get("Retry-After"))
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

// TestALostAnswerToCommit loses the response to COMMIT at every write, and checks that the caller is told that it may
// have been carried out, and not to try again.
func TestALostAnswerToCommit(t *testing.T) {
	t.Parallel()
	server := servertest.MustStartMariaDB(t)
	dsn := servertest.MustMakeDatabase(t, server)
	wire, through, err := server.StartWire(dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(wire.Close)
	r := mustStartReplica(t, "WOODY_DB_DSN="+through, "WOODY_ORDER_WORKERS=0")
	mustAwait(t, r.URL+"/readyz", http.StatusOK, `"database":"up"`)
	send := func(method, path, body string) (*http.Response, string) {
		request, err := http.NewRequest(method, r.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Idempotency-Key", method+path)
		response, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response, string(text)
	}
	for _, call := range []struct {
		method, path, body string
		again              int // the status of the same call again
	}{
		{"POST", "/api/products", `{"name":"Robot"}`, 201},
		{"POST", "/api/orders", `{"product":"Yoyo"}`, 202},
		{"GET", "/api/products?product=Robot", "", 200},
		{"GET", "/api/orders/do?order=Robot", "", 200},
		{"PUT", "/api/products/1", `{"name":"Robot"}`, 200},
		{"DELETE", "/api/products/1", "", 404},
	} {
		wire.LoseResponse("\x03COMMIT")
		response, text := send(call.method, call.path, call.body)
		later := response.Header.Get("Retry-After")
		if response.StatusCode != http.StatusGatewayTimeout || later != "" ||
			!strings.Contains(text, "before you send it again") {
			t.Errorf("%s %s, and the answer to COMMIT is lost: %s %q, Retry-After %q", call.method, call.path,
				response.Status, text, later)
		}
		if response, text := send(call.method, call.path, call.body); response.StatusCode != call.again {
			t.Errorf("%s %s again: %s %q, want %d", call.method, call.path, response.Status, text, call.again)
		}
	}
	// One product with a key sent twice, and two without; two were there, one was deleted.
	mustAwait(t, r.URL+"/api/products/last", http.StatusOK, "4 products")
}

// mustAwait asks until the response has the status and holds the text, for a minute at most.
func mustAwait(t *testing.T, url string, status int, text string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		gotStatus, got := mustGet(t, url)
		if gotStatus == status && strings.Contains(got, text) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("GET %s = %d %q, want %d and %q", url, gotStatus, got, status, text)
		}
	}
}
