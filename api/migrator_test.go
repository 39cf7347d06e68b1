package main

import (
	"database/sql"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// TestAUserOfItsOwnMigrates runs a replica whose user may not change tables, beside one who may: it waits until
// both are made, makes the tables, those of the cache too, and does then all that a shop does. Then a second one
// starts where the first user made the tables itself, as before there were two.
func TestAUserOfItsOwnMigrates(t *testing.T) {
	t.Parallel()
	redis, dsn := mustServers(t)
	admin, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { admin.Close() })
	parsed, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	exec := func(statements ...string) {
		t.Helper()
		for _, statement := range statements {
			if _, err := admin.Exec(strings.ReplaceAll(statement, "{}", parsed.DBName)); err != nil {
				t.Fatalf("%s: %v", statement, err)
			}
		}
	}
	as := func(user string) string {
		own := parsed.Clone()
		own.User = user
		return own.FormatDSN()
	}
	const mayRows = "GRANT SELECT, INSERT, UPDATE, DELETE, TRIGGER ON {}.* TO seller@'%'"
	settings := []string{
		"WOODY_DB_DSN=" + as("seller"), "WOODY_DB_MIGRATE_DSN=" + as("joiner"), "WOODY_HEAVY_DELAY=0s",
		"WOODY_REDIS_ADDR=" + redis.Addr, "WOODY_REDIS_PASSWORD=secret", "WOODY_REDIS_TIMEOUT=5s",
	}
	dir, started := t.TempDir(), make(chan *replica, 1)
	go func() {
		r, err := startReplica(dir, settings...)
		if err != nil {
			t.Error(err)
		}
		started <- r
	}()
	mustAwaitLog(t, filepath.Join(dir, "log"), "waiting for the database")
	exec("CREATE USER joiner@'%'", "GRANT ALL ON {}.* TO joiner@'%'")
	mustAwaitLog(t, filepath.Join(dir, "log"), "for user 'seller'") // it is not ready without that one
	exec("CREATE USER seller@'%'", mayRows)
	r := <-started
	t.Cleanup(r.Kill)
	if t.Failed() {
		t.FailNow()
	}
	mustServe := func(r *replica) {
		t.Helper()
		mustRename(t, r.URL, "Zebra")
		if _, body := mustGet(t, r.URL+"/api/products/1"); body != "Zebra" {
			t.Errorf("a product is %q", body)
		}
		for _, path := range []string{
			"/api/products?product=Robot", "/api/products/last", "/api/orders/do?order=Robot",
		} {
			if status, body := mustGet(t, r.URL+path); status != http.StatusOK {
				t.Errorf("%s: %d %s", path, status, body)
			}
		}
	}
	mustServe(r)
	r.Kill()

	for _, table := range []string{"product", "`order`", "order_key", "product_key", "product_tally", "probe",
		"woody_account", "woody_session", "woody_sign_in", "woody_schema", "woody_cache", "woody_outbox"} {
		exec("DROP TABLE {}." + table)
	}
	exec("GRANT ALL ON {}.* TO seller@'%'")
	mustStartReplica(t, append(settings, "WOODY_DB_MIGRATE_DSN=")...).Kill()
	exec("REVOKE ALL ON {}.* FROM seller@'%'", mayRows)
	mustServe(mustStartReplica(t, settings...))
}

// mustAwaitLog waits until a file has a text in it.
func mustAwaitLog(t *testing.T, file, text string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		got, err := os.ReadFile(file)
		if strings.Contains(string(got), text) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the log does not say %q: %v\n%s", text, err, got)
		}
	}
}
