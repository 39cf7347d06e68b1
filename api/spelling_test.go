package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"

	"github.com/google/uuid"
)

// TestNoSpellingIsStale asks two replicas, on MariaDB and Redis, for orders and products in any spelling while they are
// in their first state; then a third one changes them. Whatever was kept, and however it was asked for, no response has
// the first state afterwards.
func TestNoSpellingIsStale(t *testing.T) {
	t.Parallel()
	redis, dsn := mustServers(t)
	with := func(name, workers string) *replica {
		return mustStartReplica(t, "WOODY_DB_DSN="+dsn, "WOODY_REPLICA_ID="+name, "WOODY_HEAVY_DELAY=0",
			"WOODY_ORDER_WORKERS="+workers,
			"WOODY_DRAIN_DELAY=0", "WOODY_REDIS_ADDR="+redis.Addr, "WOODY_REDIS_PASSWORD=secret",
			// a slow machine is no lost replica
			"WOODY_REDIS_TIMEOUT=5s", "WOODY_ACK_TIMEOUT=5s", "WOODY_CACHE_LEASE=5s")
	}
	readers := []*replica{with("one", "0"), with("two", "0")}
	draw := rand.New(rand.NewPCG(3, 4))

	first := map[string]string{} // what only the first state says, by the path that was asked for
	var orders []string
	for range 3 {
		id := strings.Fields(mustGetText(t, readers[0].URL+"/api/orders/do?order=Yoyo"))[1]
		orders = append(orders, id)
		for _, path := range orderPaths(draw, id, 36) {
			first[path] = "Pending"
		}
	}
	for _, form := range []string{"1", "01", "+1", "1/", "%31", "1%20", "%201", "1.0", "0x1", "1?id=2", "1?product",
		"-1", "1%00", "1;"} {
		first["/api/products/"+form] = "Yoyo"
	}
	answered := 0
	for path, state := range first {
		for range 2 { // the second time from the cache
			for _, r := range readers {
				if status, body := mustGet(t, r.URL+path); status == http.StatusOK && strings.Contains(body, state) {
					answered++
				} else if status >= http.StatusInternalServerError {
					t.Errorf("GET %s = %d %q", path, status, body)
				}
			}
		}
	}
	if answered < 15*len(orders) {
		t.Fatalf("%d spellings were answered %d times with the first state: that shows nothing", len(first), answered)
	}

	third := with("three", "2")
	for _, id := range orders {
		mustAwait(t, third.URL+"/api/orders/"+id, http.StatusOK, "Success")
	}
	request, err := http.NewRequest(http.MethodPut, third.URL+"/api/products/1", strings.NewReader(`{"name":"Zebra"}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if response, err := http.DefaultClient.Do(request); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("a write: %v, %v", response, err)
	}
	if err := third.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := third.Wait(); err != nil { // its workers have had their changes acknowledged by then
		t.Fatal(err)
	}
	for path, state := range first {
		for _, r := range readers {
			status, body := mustGet(t, r.URL+path)
			if status == http.StatusOK && strings.Contains(body, state) {
				t.Errorf("GET %s = %q, after the change was acknowledged", path, body)
			}
		}
	}
}

// orderPaths returns ways to ask for an order, half of them in spellings that the shop may refuse.
func orderPaths(draw *rand.Rand, id string, n int) []string {
	paths := []string{
		"/api/orders/?order_id=" + id, "/api/orders/" + id, "/api/orders/?order_id=" + id + "%20",
		"/api/orders/" + id + "%20",
		"/api/orders/?order_id=" + strings.ToUpper(id), "/api/orders/" + strings.ToUpper(id) + "/",
	}
	for range n / 3 {
		paths = append(paths, "/api/orders/?order_id="+spelled(draw, id), "/api/orders/"+spelled(draw, id),
			"/api/orders?x="+spelled(draw, id)+"&order_id="+spelled(draw, id)+"&order_id="+uuid.NewString())
	}
	return paths
}

// spelled returns an id as somebody may write it, and not only somebody who means well.
func spelled(draw *rand.Rand, id string) string {
	pick := func(of ...string) string { return of[draw.IntN(len(of))] }
	id = strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'f' && draw.IntN(3) == 0 {
			return r - 'a' + 'A'
		}
		return r
	}, id)
	switch draw.IntN(8) {
	case 0:
		id += pick(" ", "  ", "\t", "\n", "\x00", "\u00a0", "\u200b", "%20", "/", ";", "?", "#", "\u0301")
	case 1:
		id = pick(" ", "0", "+", "\ufeff", "\u202e") + id
	case 2:
		id = pick("{"+id+"}", "urn:uuid:"+id, strings.ReplaceAll(id, "-", ""), strings.ReplaceAll(id, "-", "‐"))
	case 3: // the same digits, wider
		i := draw.IntN(10)
		id = strings.ReplaceAll(id, string(rune('0'+i)), string(rune('０'+i)))
	}
	var escaped strings.Builder
	for _, b := range []byte(id) {
		if draw.IntN(8) == 0 {
			fmt.Fprintf(&escaped, "%%%02x", b)
		} else {
			escaped.WriteString(url.QueryEscape(string([]byte{b})))
		}
	}
	return escaped.String()
}

func mustGetText(t *testing.T, url string) string {
	t.Helper()
	status, body := mustGet(t, url)
	if status != http.StatusOK {
		t.Fatalf("GET %s = %d %q", url, status, body)
	}
	return body
}
