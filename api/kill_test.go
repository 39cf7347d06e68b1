package main

import (
	"database/sql"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

const (
	kills         = 10
	ordersPerKill = 1000
	clients       = 8
)

var acksPerKill = flag.Int64("acks-per-kill", 100, "how many of 1,000 orders are acknowledged before each kill")

// TestKilledAmongOrders kills the process (-9) among 1,000 orders, ten times over.
// Every order that was acknowledged is there after the restart and comes to exactly one end.
func TestKilledAmongOrders(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		testKilledAmongOrders(t, dir, "sqlite", filepath.Join(dir, "data", "woody.db"), "WOODY_DB_DSN=")
	})
	t.Run("mariadb", func(t *testing.T) {
		t.Parallel()
		server := servertest.MustStartMariaDB(t)
		dsn := servertest.MustMakeDatabase(t, server)
		testKilledAmongOrders(t, t.TempDir(), "mysql", dsn, "WOODY_DB_DSN="+dsn)
	})
}

func testKilledAmongOrders(t *testing.T, dir, driver, dsn string, setting string) {
	settings := []string{setting, "WOODY_HEAVY_DELAY=2ms", "WOODY_ORDER_WORKERS=8"}
	var acknowledged sync.Map // of order ids
	r := mustStartIn(t, dir, settings)
	mustLogEnds(t, driver, dsn)
	for range kills {
		var sent, acks atomic.Int64
		var group sync.WaitGroup
		for range clients {
			group.Go(func() {
				for sent.Add(1) <= ordersPerKill {
					id, err := placeOrder(r.URL)
					if err != nil {
						continue // killed, or refused
					}
					acknowledged.Store(id, true)
					if acks.Add(1) == *acksPerKill {
						go r.Kill()
					}
				}
			})
		}
		group.Wait()
		r.Kill() // also where too few were acknowledged
		if n := acks.Load(); n < *acksPerKill || n == ordersPerKill {
			t.Errorf("%d of %d orders were acknowledged; the kill was to come among them", n, ordersPerKill)
		}
		r = mustStartIn(t, dir, settings)
	}
	awaitNoBacklog(t, driver, dsn)
	checkEnds(t, driver, dsn, &acknowledged)
}

func mustStartIn(t *testing.T, dir string, settings []string) *replica {
	t.Helper()
	r, err := startReplica(dir, settings...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Kill)
	return r
}

func placeOrder(url string) (id string, err error) {
	response, err := http.Post(url+"/api/orders", "application/json", strings.NewReader(`{"product":"Yoyo"}`))
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	var order struct {
		ID string `json:"order_id"`
	}
	if err := json.NewDecoder(response.Body).Decode(&order); err != nil {
		return "", err
	}
	if response.StatusCode != http.StatusAccepted {
		return "", fmt.Errorf("%s", response.Status)
	}
	return order.ID, nil
}

// mustLogEnds makes a trigger that records every order that leaves Pending or changes its end.
func mustLogEnds(t *testing.T, driver, dsn string) {
	t.Helper()
	statements := []string{
		"CREATE TABLE ends (order_id VARCHAR(64), status VARCHAR(32))",
		"CREATE TRIGGER order_ends AFTER UPDATE ON `order` FOR EACH ROW BEGIN " +
			"INSERT INTO ends SELECT NEW.order_id, NEW.status WHERE NEW.status <> OLD.status; END",
	}
	if driver == "mysql" {
		statements[1] = strings.Replace(statements[1], "WHERE", "FROM (SELECT 1) x WHERE", 1)
	}
	db := mustOpenDB(t, driver, dsn)
	for _, statement := range statements {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
}

func mustOpenDB(t *testing.T, driver, dsn string) *sql.DB {
	t.Helper()
	if driver == "sqlite" {
		dsn = "file:" + dsn + "?_pragma=busy_timeout(5000)"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// awaitNoBacklog waits until the workers have ended every order, however slowly; claims of the killed lapse first.
func awaitNoBacklog(t *testing.T, driver, dsn string) {
	t.Helper()
	db := mustOpenDB(t, driver, dsn)
	const patience = 30 * time.Second
	fewest, since := math.MaxInt, time.Now()
	for ; ; time.Sleep(20 * time.Millisecond) {
		var pending int
		if err := db.QueryRow("SELECT COUNT(*) FROM `order` WHERE status = 'Pending'").Scan(&pending); err != nil {
			t.Fatal(err)
		}
		if pending == 0 {
			return
		}
		if pending < fewest {
			fewest, since = pending, time.Now()
		}
		if time.Since(since) > patience {
			t.Fatalf("%d orders are pending, and in %v no order came to its end", pending, patience)
		}
	}
}

func checkEnds(t *testing.T, driver, dsn string, acknowledged *sync.Map) {
	t.Helper()
	rows, err := mustOpenDB(t, driver, dsn).Query("SELECT order_id, status FROM ends")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	ends := map[string][]string{}
	for rows.Next() {
		var id, status string
		if err := rows.Scan(&id, &status); err != nil {
			t.Fatal(err)
		}
		ends[id] = append(ends[id], status)
	}
	total := 0
	acknowledged.Range(func(id, _ any) bool {
		total++
		if got := ends[id.(string)]; !slices.Equal(got, []string{"Success"}) {
			t.Errorf("acknowledged order %s came to the ends %v, want Success once", id, got)
		}
		return !t.Failed()
	})
	for id := range maps.Keys(ends) {
		if len(ends[id]) != 1 {
			t.Errorf("order %s came to the ends %v, want one", id, ends[id])
		}
	}
	t.Logf("%d orders acknowledged over %d kills, %d ended", total, kills, len(ends))
}
