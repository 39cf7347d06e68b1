package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/internal/servers"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// mustServers starts what replicas share, with a database.
func mustServers(t *testing.T) (redis *servers.Redis, dsn string) {
	t.Helper()
	mariadb := servertest.MustStartMariaDB(t)
	redis = servertest.MustStartRedis(t, "--requirepass", "secret",
		"--maxmemory", "16mb", "--maxmemory-policy", "allkeys-lru")
	return redis, servertest.MustMakeDatabase(t, mariadb)
}

// layer returns Cache-Status and body of a read.
func layer(t *testing.T, url string) (status, body string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	_, body = mustGet(t, url)
	return response.Header.Get("Cache-Status"), body
}

// mustRename renames the first product.
func mustRename(t *testing.T, url, name string) {
	t.Helper()
	request, err := http.NewRequest(http.MethodPut, url+"/api/products/1", strings.NewReader(`{"name":"`+name+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("a write: %s", response.Status)
	}
}

// TestReplicasShareTheCache runs two replicas on a Redis with a password, one that keeps nothing near, and
// one from the stage before, without Redis: whoever writes, all of them answer the news.
func TestReplicasShareTheCache(t *testing.T) {
	t.Parallel()
	redis, dsn := mustServers(t)
	with := func(name string, more ...string) *replica {
		return mustStartReplica(t, append([]string{
			"WOODY_DB_DSN=" + dsn, "WOODY_REPLICA_ID=" + name, "WOODY_ADMIN_ADDR=127.0.0.1:0",
			// A slow machine is not to be taken for a lost Redis or replica.
			"WOODY_REDIS_TIMEOUT=5s", "WOODY_ACK_TIMEOUT=5s", "WOODY_CACHE_LEASE=5s", "WOODY_FILL_LEASE=30s",
		}, more...)...)
	}
	near := with("near", "WOODY_REDIS_ADDR="+redis.Addr, "WOODY_REDIS_PASSWORD=secret")
	far := with("far", "WOODY_REDIS_ADDR="+redis.Addr, "WOODY_REDIS_PASSWORD=secret", "WOODY_NEAR_CACHE=off")
	bare := with("bare")
	all := []*replica{near, far, bare}
	for _, r := range all[:2] {
		mustAwait(t, r.metricsURL(), http.StatusOK, "woody_cache_members 2")
	}
	const path = "/api/products/1"
	if status, _ := layer(t, near.URL+path); !strings.HasPrefix(status, "origin, redis; fwd=uri-miss; stored") {
		t.Errorf("the first read: %q", status)
	}
	if status, _ := layer(t, near.URL+path); !strings.HasPrefix(status, "near; hit") {
		t.Errorf("the second read: %q", status)
	}
	if status, _ := layer(t, far.URL+path); !strings.HasPrefix(status, "redis; hit") ||
		strings.Contains(status, "near") {
		t.Errorf("a read without a near cache: %q", status)
	}
	if status, _ := layer(t, bare.URL+path); status != "near; fwd=bypass" {
		t.Errorf("a read without Redis: %q", status)
	}
	for i, writer := range all {
		name := []string{"Zebra", "Yak", "Xylophone"}[i]
		mustRename(t, writer.URL, name)
		for _, r := range all {
			if _, body := layer(t, r.URL+path); body != name {
				t.Errorf("after replica %d wrote %s, a replica answers %s", i, name, body)
			}
		}
	}
}
