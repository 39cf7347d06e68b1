package httpcache_test

import (
	"database/sql"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	"github.com/redis/go-redis/v9"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/cluster"
	"github.com/woodytoys/woodytoys/cache/httpcache"
	"github.com/woodytoys/woodytoys/cache/outbox"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// TestReplicasShareAnswers starts three replicas over Redis, the third without a near cache, and checks that what one
// fills, the others have, with all header fields, and that what one invalidates, none has.
func TestReplicasShareAnswers(t *testing.T) {
	server := servertest.MustStartRedis(t)
	dsn := servertest.MustMakeDatabase(t, servertest.MustStartMariaDB(t))
	var version, asked atomic.Int64
	version.Store(1)
	handler := func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.Header()["Link"] = []string{"</a>", "</b>"}
		w.Header()["Content-Type"] = nil
		fmt.Fprint(w, "version ", version.Load())
	}
	var replicas []*program
	for _, noNear := range []bool{false, false, true} {
		db, err := sql.Open("mysql", dsn)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		box, err := outbox.New(outbox.Config{DB: db, Namespace: "toys", Direct: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := box.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		c, err := cache.New(cache.Config{NoNear: noNear, Cluster: &cluster.Config{
			Redis: &redis.UniversalOptions{Addrs: []string{server.Addr}}, Ledger: box, Release: "test",
			Logger: slog.New(slog.DiscardHandler),
			Lease:  5 * time.Second, Timeout: 5 * time.Second, AckTimeout: 5 * time.Second,
		}})
		if err != nil {
			t.Fatal(err)
		}
		replicas = append(replicas, mustServeFrom(t, c, httpcache.Options{Tags: rowTags}, handler))
	}
	for _, p := range replicas {
		deadline := time.Now().Add(time.Minute)
		for ; p.cache.Stats().Cluster.Lease < time.Second; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("the cache has no lease after a minute")
			}
		}
	}
	shared := []string{"origin, redis; fwd=uri-miss; stored", "redis; hit; ttl=", "redis; hit; ttl="}
	first := replicas[0].get("/toys/1")
	for round, want := range []string{"version 1", "version 2"} {
		for i, p := range replicas {
			got := first
			if i > 0 || round > 0 {
				got = p.get("/toys/1")
			}
			if got.body != want || !strings.HasPrefix(got.header.Get("Cache-Status"), shared[i]) {
				t.Errorf("replica %d: %q (%s), want %q and %s…",
					i, got.body, got.header.Get("Cache-Status"), want, shared[i])
			}
			for _, name := range []string{"Link", "Content-Type", "Content-Length"} {
				if a, b := fmt.Sprint(got.header[name]), fmt.Sprint(first.header[name]); a != b {
					t.Errorf("replica %d: %s of %s, the first's is %s", i, name, a, b)
				}
			}
			if again := p.get("/toys/1", "If-None-Match: "+got.header.Get("ETag")); again.status != 304 {
				t.Errorf("replica %d: %d, want 304 (%s)", i, again.status, again.header.Get("Cache-Status"))
			}
		}
		version.Add(1)
		if err := replicas[round].cache.Invalidate("row"); err != nil {
			t.Fatal(err)
		}
	}
	if got := asked.Load(); got != 2 {
		t.Errorf("the handlers were asked %d times, want once for each version", got)
	}
}
