package main

import (
	"database/sql"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// TestNamesOfTheCache checks what the shop's cache is called in the database and in Redis, byte for byte: replicas of
// two releases, side by side during an update, meet by these names, and the user that scripts/secrets makes may use no
// others.
func TestNamesOfTheCache(t *testing.T) {
	redis := servertest.MustStartRedis(t)
	dsn := servertest.MustMakeDatabase(t, servertest.MustStartMariaDB(t))
	client := redis.Client()
	t.Cleanup(func() { client.Close() })
	rule := []any{"ACL", "SETUSER", "woody", "on", ">secret"}
	for _, word := range mustReadRights(t) {
		rule = append(rule, word)
	}
	if err := client.Do(t.Context(), rule...).Err(); err != nil {
		t.Fatal(err)
	}
	r := mustStartReplica(t, "WOODY_DB_DSN="+dsn, "WOODY_REPLICA_ID=one", "WOODY_ADMIN_ADDR=127.0.0.1:0",
		"WOODY_REDIS_ADDR="+redis.Addr, "WOODY_REDIS_USER=woody", "WOODY_REDIS_PASSWORD=secret",
		"WOODY_REDIS_TIMEOUT=5s", "WOODY_ACK_TIMEOUT=5s", "WOODY_CACHE_LEASE=5s",
		"WOODY_FILL_LEASE=30s")
	mustAwait(t, r.metricsURL(), http.StatusOK, "woody_cache_members 1")
	if status, _ := layer(t, r.URL+"/api/products/1"); !strings.Contains(status, "stored") {
		t.Fatalf("a read: %q", status)
	}

	db, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var ledger, epoch string
	row := db.QueryRow("SELECT ledger, CONCAT(epoch, '-', token) FROM woody_cache WHERE id = 1")
	if err := row.Scan(&ledger, &epoch); err != nil {
		t.Fatal(err)
	}
	var index string
	err = db.QueryRow(`SELECT INDEX_NAME FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE()
		AND TABLE_NAME = 'woody_outbox' AND COLUMN_NAME = 'recorded_us'`).Scan(&index)
	if err != nil || index != "woody_outbox_recorded" {
		t.Errorf("the outbox's index is %q (%v), want woody_outbox_recorded", index, err)
	}
	keys, err := client.Keys(t.Context(), "*").Result()
	if err != nil {
		t.Fatal(err)
	}
	names := strings.NewReplacer("LEDGER", ledger, "EPOCH", epoch)
	mustMatch(t, "keys", keys, names.Replace(
		"woody:2:LEDGER:EPOCH:v:[0-9a-f]{12}:.+\nwoody:2:LEDGER:members\nwoody:2:LEDGER:state"))
	channels, err := client.PubSubChannels(t.Context(), "*").Result()
	if err != nil {
		t.Fatal(err)
	}
	mustMatch(t, "channels", channels, names.Replace("woody:2:LEDGER:db0:EPOCH:bus\nwoody:2:LEDGER:db0:in:one\\S*"))
}

// mustMatch fails the test unless the names, sorted and a line each, match a pattern.
func mustMatch(t *testing.T, what string, names []string, pattern string) {
	t.Helper()
	slices.Sort(names)
	if got := strings.Join(names, "\n"); !regexp.MustCompile("^" + pattern + "$").MatchString(got) {
		t.Errorf("%s are\n%s\nwant\n%s", what, got, pattern)
	}
}

// mustReadRights returns the names and commands that scripts/secrets allows the API at Redis.
func mustReadRights(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../scripts/secrets")
	if err != nil {
		t.Fatal(err)
	}
	rights := regexp.MustCompile(`~\S+ &\S+ (?:\\\s+|\+\S+ )*\+\S+`).FindString(string(text))
	if rights == "" {
		t.Fatal("scripts/secrets has no rights at Redis")
	}
	return strings.Fields(strings.ReplaceAll(rights, "\\\n", " "))
}
