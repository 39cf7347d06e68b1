package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

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
	key := filepath.Join(t.TempDir(), "key")
	if out, err := exec.Command("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out",
		key).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
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
		r := mustStartReplica(t, append(on.settings, "WOODY_ACCOUNTS=on", "WOODY_AUDIT_LOG="+stream)...)
		answer, err := http.Post(r.URL+"/api/products", "application/json", strings.NewReader(`{"name":"x"}`))
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: %s", on.name, answer.Status)
		}
		text, err := os.ReadFile(stream)
		var line struct {
			Audit            bool
			Outcome, Request string
		}
		if err != nil || json.Unmarshal(bytes.TrimSpace(text), &line) != nil || !line.Audit ||
			line.Outcome != "refused" ||
			line.Request != answer.Header.Get("X-Request-Id") {
			t.Errorf("%s: %v, %s", on.name, err, text)
		}
		db, err := sql.Open(on.driver, on.dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		var n int
		err = db.QueryRow("SELECT COUNT(*) FROM "+on.table+" WHERE request = ? AND status = 401", line.Request).Scan(&n)
		if err != nil || n != 1 {
			t.Errorf("%s: %d rows, %v", on.name, n, err)
		}
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
