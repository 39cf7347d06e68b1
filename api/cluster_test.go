package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// TestLongReadsAreMadeAtAnotherNode runs a replica that writes to one node of a Galera cluster and reads from another.
// It checks that each response names its node, and so do the log and the metrics.
func TestLongReadsAreMadeAtAnotherNode(t *testing.T) {
	t.Parallel()
	cluster := servertest.MustStartGalera(t, 2)
	dsn := servertest.MustMakeDatabase(t, cluster.Nodes[0].MariaDB)
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	r := mustStartReplica(t, "WOODY_DB_DSN="+dsn, "WOODY_DB_READ_DSN="+cluster.Nodes[1].DSN(cfg.DBName),
		"WOODY_ADMIN_ADDR=127.0.0.1:0", "WOODY_LOG_LEVEL=debug", "WOODY_SLOW_QUERY_DELAY=0")
	for _, call := range []struct{ method, path, prefer, node string }{
		{http.MethodGet, "/api/products?product=Robot", "", "node1"},
		{http.MethodGet, "/api/products/last", "", "node2"},
		{http.MethodGet, "/api/products/last", "read=primary", "node1"},
		{http.MethodGet, "/api/products/1", "", "node2"},
		{http.MethodDelete, "/api/products/1", "", "node1"},
		{http.MethodGet, "/api/products/1", "", "node2"},
	} {
		want := `db;desc="` + call.node + `", app;dur=`
		got := mustTime(t, call.method, r.URL+call.path, call.prefer)
		for tries := 0; call.node == "node2" && !strings.HasPrefix(got, want) && tries < 20; tries++ {
			got = mustTime(t, call.method, r.URL+call.path, call.prefer) // the node was too busy
		}
		if !strings.HasPrefix(got, want) {
			t.Errorf("%s %s, preferring %q: Server-Timing: %s; want %s",
				call.method, call.path, call.prefer, got, want)
		}
	}
	if log := r.Log(); !strings.Contains(log, "database=node1") || !strings.Contains(log, "database=node2") {
		t.Error("the log of requests names no nodes")
	}
	_, metrics := mustGet(t, r.metricsURL())
	for _, want := range []string{
		`woody_db_answers_total{for="read",node="node1"} `, `woody_db_answers_total{for="read",node="node2"} 3`,
		`woody_db_answers_total{for="write",node="node1"} 2`, `go_sql_open_connections{db_name="readers"}`,
		"woody_db_write_slots 8",
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics have no %s", want)
		}
	}
}

// mustTime sends a request, and returns the Server-Timing of its response.
func mustTime(t *testing.T, method, url, prefer string) string {
	t.Helper()
	request, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Prefer", prefer)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.Header.Get("Server-Timing")
}
