package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/programs"
	"github.com/woodytoys/woodytoys/internal/servers"
)

var drillRuns = flag.Int("runs", 1, "how often the drill is run")

// The published targets.
const (
	recoverWithin  = 5 * time.Minute
	loseAtMostLast = 30 * time.Minute
)

// TestLongDrill loses the database's data under a running shop, and brings it back: the figures of docs/backup.md.
func TestLongDrill(t *testing.T) {
	shop := filepath.Join(t.TempDir(), "api")
	if err := programs.BuildShop(shop); err != nil {
		t.Fatal(err)
	}
	for run := range *drillRuns {
		t.Run(fmt.Sprint(run+1), func(t *testing.T) { drill(t, shop) })
	}
}

func drill(t *testing.T, program string) {
	d := mustStartDatabase(t)
	start := func() *programs.Shop {
		t.Helper()
		shop, err := programs.StartShop(exec.Command(program), filepath.Join(t.TempDir(), "log"),
			"WOODY_DB_DSN="+d.dsn("migrate"), "WOODY_HEAVY_DELAY=0", "WOODY_SLOW_QUERY_DELAY=0", "WOODY_FRONT=off")
		if err != nil {
			t.Fatal(err)
		}
		return shop
	}
	shop := start()
	k := mustKeep(t, []string{"WOODY_BACKUP_SHIP_EVERY=30s"}, d.addr)
	k.awaitGood(t)
	orders := mustOrder(t, shop.URL)
	orders.await(t, 1000)

	lost := time.Now()
	d.mustLose(t)
	orders.stop()
	shop.Kill()
	k.must(t, "restore")
	restored := time.Since(lost)
	shop = start()
	defer shop.Kill()
	if _, err := order(shop.URL); err != nil {
		t.Fatalf("the shop takes no orders: %v", err)
	}
	recovered := time.Since(lost)

	var gone []string
	var first time.Time
	for _, o := range orders.acknowledged {
		response, err := http.Get(shop.URL + "/api/orders/" + o.name)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode == http.StatusNotFound {
			gone = append(gone, o.name)
			if first.IsZero() || o.ended.Before(first) {
				first = o.ended
			}
		} else if response.StatusCode != http.StatusOK {
			t.Fatalf("the order %s: %s", o.name, response.Status)
		}
	}
	window := time.Duration(0)
	if !first.IsZero() {
		window = lost.Sub(first)
	}
	t.Logf("restored after %.1f s, orders are taken again after %.1f s; of %d acknowledged orders %d are lost, of the "+
		"last %.3f s: %q", restored.Seconds(), recovered.Seconds(), len(orders.acknowledged), len(gone),
		window.Seconds(), gone)
	if recovered > recoverWithin || window > loseAtMostLast {
		t.Errorf("want %v and %v at most", recoverWithin, loseAtMostLast)
	}
}

// orders are what customers of the shop have ordered.
type orders struct {
	url          string
	ending       chan struct{}
	customers    sync.WaitGroup
	mu           sync.Mutex
	acknowledged []write
}

func mustOrder(t *testing.T, url string) *orders {
	t.Helper()
	o := &orders{url: url, ending: make(chan struct{})}
	for range 4 {
		o.customers.Go(o.order)
	}
	t.Cleanup(o.stop)
	return o
}

func (o *orders) order() {
	for {
		select {
		case <-o.ending:
			return
		case <-time.After(5 * time.Millisecond):
		}
		w := write{began: time.Now()}
		id, err := order(o.url)
		if err != nil {
			continue
		}
		w.name, w.ended = id, time.Now()
		o.mu.Lock()
		o.acknowledged = append(o.acknowledged, w)
		o.mu.Unlock()
	}
}

var customer = http.Client{Timeout: 10 * time.Second}

// order orders a product and returns the order's id.
func order(url string) (id string, err error) {
	response, err := customer.Post(url+"/api/orders", "application/json", bytes.NewBufferString(`{"product": "Yoyo"}`))
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	var is struct {
		ID string `json:"order_id"`
	}
	if err := json.NewDecoder(response.Body).Decode(&is); err != nil {
		return "", err
	}
	if response.StatusCode != http.StatusAccepted || is.ID == "" {
		return "", fmt.Errorf("an order is answered %s", response.Status)
	}
	return is.ID, nil
}

func (o *orders) await(t *testing.T, count int) {
	t.Helper()
	for deadline := time.Now().Add(servers.Patience); ; time.Sleep(10 * time.Millisecond) {
		o.mu.Lock()
		n := len(o.acknowledged)
		o.mu.Unlock()
		if n >= count {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d orders were acknowledged, want %d", n, count)
		}
	}
}

func (o *orders) stop() {
	select {
	case <-o.ending:
	default:
		close(o.ending)
	}
	o.customers.Wait()
}
