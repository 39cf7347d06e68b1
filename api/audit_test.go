package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/woodytoys/woodytoys/api/store"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// TestAuditOfTheProgram checks that a refused write is recorded in the audit stream and in the audit table, on SQLite
// and on MariaDB. It also checks that there is no audit without accounts, and that WOODY_AUDIT_LOG is then refused.
func TestAuditOfTheProgram(t *testing.T) {
	t.Parallel()
	dsn := servertest.MustMakeDatabase(t, servertest.MustStartMariaDB(t))
	to, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	key := mustMakeTokenKey(t, "key")
	data := t.TempDir()
	for _, on := range []struct {
		name, driver, dsn, table string
		settings                 []string
	}{
		{"sqlite", "sqlite", filepath.Join(data, "woody.db"), "audit_entry", []string{"WOODY_DATA_DIR=" + data}},
		{"mariadb", "mysql", dsn, "`" + to.DBName + store.AuditSuffix + "`.entry",
			[]string{"WOODY_DB_DSN=" + dsn, "WOODY_TOKEN_KEYS_FILES=" + key}},
	} {
		stream := filepath.Join(t.TempDir(), "audit")
		r := mustStartReplica(t, append(on.settings, "WOODY_ACCOUNTS=on", "WOODY_AUDIT_LOG="+stream,
			"WOODY_ADMIN_ADDR=127.0.0.1:0")...)
		db, err := sql.Open(on.driver, on.dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		await(t, on.name+" has a refused write in both", func() bool {
			request := mustBeRefused(t, r, stream)
			var n int
			err := db.QueryRow("SELECT COUNT(*) FROM "+on.table+" WHERE request = ? AND status = 401", request).Scan(&n)
			if n == 1 {
				return true
			}
			// A request waits for the table for two seconds at most: then the metrics say what it lacks, and it is
			// left alone for a second.
			if _, metrics := mustGet(t, r.metricsURL()); err != nil ||
				strings.Contains(metrics, `woody_audit_failures_total{of="table"} 0`) {
				t.Fatalf("%s: %d rows, %v", on.name, n, err)
			}
			time.Sleep(1100 * time.Millisecond)
			return false
		})
	}
	r := mustStartReplica(t)
	if status, _ := mustGet(t, r.URL+"/api/products?product=x"); status != http.StatusOK {
		t.Errorf("without accounts: %d", status)
	}
	if strings.Contains(r.Log(), `"audit":true`) {
		t.Errorf("without accounts there is an audit:\n%s", r.Log())
	}
	out, err := command([]string{"WOODY_AUDIT_LOG=-", "WOODY_DATA_DIR=" + t.TempDir()}).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "WOODY_AUDIT_LOG is for a shop with accounts") {
		t.Errorf("a stream without accounts: %v, %s", err, out)
	}
}

// mustBeRefused sends a write that is refused, and returns the request's id. The stream's last line is to be about it.
func mustBeRefused(t *testing.T, r *replica, stream string) (request string) {
	t.Helper()
	answer, err := http.Post(r.URL+"/api/products", "application/json", strings.NewReader(`{"name":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("a write without a token: %s", answer.Status)
	}
	text, err := os.ReadFile(stream)
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	var line struct {
		Audit            bool
		Outcome, Request string
	}
	if err != nil || json.Unmarshal(lines[len(lines)-1], &line) != nil || !line.Audit || line.Outcome != "refused" ||
		line.Request != answer.Header.Get("X-Request-Id") {
		t.Errorf("%v, %s", err, text)
	}
	return line.Request
}
