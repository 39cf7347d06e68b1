package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

func mustDo(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// rename gives product n a name on a replica.
func rename(r *replica, n int, name string) (status int, err error) {
	url, body := fmt.Sprintf("%s/api/products/%d", r.URL, n), strings.NewReader(`{"name":"`+name+`"}`)
	request, err := http.NewRequest(http.MethodPut, url, body)
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	response.Body.Close()
	return response.StatusCode, nil
}

// TestThePrimaryMoves makes a database server read-only and another one the primary. New connections lead to that one;
// those that the replicas have stay with the old one, which goes on answering them. Nobody may answer what it says.
func TestThePrimaryMoves(t *testing.T) {
	t.Parallel()
	pair := servertest.MustStartPair(t)
	redis := servertest.MustStartRedis(t)
	wire := servertest.MustStartWire(t, pair.Primary.Addr)
	start := func(name string, more ...string) *replica {
		return mustStartReplica(t, append([]string{
			"WOODY_DB_DSN=" + pair.DSN(wire.Addr), "WOODY_REPLICA_ID=" + name, "WOODY_REDIS_ADDR=" + redis.Addr,
			"WOODY_ADMIN_ADDR=127.0.0.1:0", "WOODY_HEAVY_DELAY=0", "WOODY_SLOW_QUERY_DELAY=0",
			// A slow machine is not to be taken for a lost Redis or replica.
			"WOODY_REDIS_TIMEOUT=5s", "WOODY_ACK_TIMEOUT=5s", "WOODY_CACHE_LEASE=2s",
		}, more...)...)
	}
	bare := start("bare", "WOODY_REDIS_ADDR=")
	old := []*replica{start("r0"), start("r1"), bare}
	for _, r := range old[:2] {
		mustAwait(t, r.metricsURL(), http.StatusOK, "woody_cache_members 2")
	}
	for _, r := range old { // so that each has connections with the old primary
		var group sync.WaitGroup
		for n := range 24 {
			group.Go(func() { http.Get(fmt.Sprintf("%s/api/products/%d", r.URL, 1000+n)) })
		}
		group.Wait()
	}
	before, err := pair.Primary.Connections()
	mustDo(t, err)
	if before < 6 {
		t.Fatalf("%d connections to the old primary, want some of every replica", before)
	}

	mustDo(t, pair.Demote(), pair.Exchange(), pair.Promote())
	wire.Retarget(pair.Primary.Addr)

	fresh := start("r2")
	all := append([]*replica{fresh}, old...)
	for i := range 8 {
		writer, name := all[i%len(all)], fmt.Sprintf("Zebra %d", i)
		status, err := rename(writer, 1, name)
		mustDo(t, err)
		if status != http.StatusOK {
			t.Errorf("write %d, after the primary has moved: %d, want 200", i, status)
			continue
		}
		for k := range all {
			k = (k + i + 1) % len(all) // each is the first one at times, who fills for all
			if status, body := mustGet(t, all[k].URL+"/api/products/1"); body != name {
				t.Errorf("replica %d answers %d %q after %q was acknowledged", k, status, body, name)
			}
		}
	}
	status, id := mustGet(t, fresh.URL+"/api/orders/do?order=Joli+train")
	if status != http.StatusOK {
		t.Fatalf("an order: %d %s", status, id)
	}
	id = strings.Fields(id)[1]
	for _, r := range all {
		mustAwait(t, r.URL+"/api/orders/"+id, http.StatusOK, "Success")
		mustAwait(t, r.URL+"/readyz", http.StatusOK, `"database":"up"`)
	}
	await(t, "no connection is left to the old primary", func() bool {
		n, err := pair.Replica.Connections()
		mustDo(t, err)
		return n == 0
	})
}

// await waits until a condition holds, for a minute at most.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within a minute", what)
		}
	}
}

// TestAReadOnlyDatabase makes the only database server read-only, as for maintenance: reads are answered, nothing is
// kept, writes are refused, and a replica that starts waits. Then it takes writes again.
func TestAReadOnlyDatabase(t *testing.T) {
	t.Parallel()
	pair := servertest.MustStartPair(t)
	redis := servertest.MustStartRedis(t)
	settings := []string{
		"WOODY_DB_DSN=" + pair.DSN(pair.Primary.Addr), "WOODY_REDIS_ADDR=" + redis.Addr, "WOODY_SLOW_QUERY_DELAY=0",
		// A slow machine is not to be taken for a lost Redis or replica.
		"WOODY_REDIS_TIMEOUT=5s", "WOODY_ACK_TIMEOUT=5s", "WOODY_CACHE_LEASE=5s",
	}
	r := mustStartReplica(t, settings...)
	mustAwait(t, r.URL+"/readyz", http.StatusOK, `"database":"up"`)
	mustAwait(t, r.URL+"/api/products/1", http.StatusOK, "Yoyo")
	mustDo(t, pair.Demote())
	mustAwait(t, r.URL+"/readyz", http.StatusOK, `"database":"down"`)
	dir, ready := t.TempDir(), make(chan *replica, 1)
	go func() {
		late, err := startReplica(dir, settings...)
		if err != nil {
			t.Error(err)
		}
		ready <- late
	}()
	for _, path := range []string{
		"/api/products/2", "/api/products/777", "/api/products", "/api/products/last",
		"/api/orders/77777777-7777-4777-8777-777777777777",
	} {
		for range 2 {
			response, err := http.Get(r.URL + path)
			mustDo(t, err)
			response.Body.Close()
			status := response.Header.Get("Cache-Status")
			kept := !strings.HasPrefix(status, "origin; detail=read-only") || strings.Contains(status, "stored")
			if response.StatusCode >= 500 || kept {
				t.Errorf("%s of a read-only database: %s, %q; want an answer that is not kept, and why",
					path, response.Status, status)
			}
		}
	}
	if status, err := rename(r, 1, "Zebra"); status != http.StatusServiceUnavailable {
		t.Errorf("a write to a read-only database: %d, %v", status, err)
	}
	await(t, "the log tells what a start waits for, and why", func() bool {
		log, _ := os.ReadFile(filepath.Join(dir, "log"))
		return regexp.MustCompile("waiting for the database.*read-only").Match(log)
	})
	mustDo(t, pair.Promote())
	late := <-ready
	t.Cleanup(late.Kill)
	mustAwait(t, r.URL+"/readyz", http.StatusOK, `"database":"up"`)
	mustAwait(t, late.URL+"/readyz", http.StatusOK, `"database":"up"`)
	if status, err := rename(late, 1, "Zebra"); status != http.StatusOK {
		t.Errorf("a write once the database takes writes again: %d, %v", status, err)
	}
	mustAwait(t, r.URL+"/api/products/1", http.StatusOK, "Zebra")
}
