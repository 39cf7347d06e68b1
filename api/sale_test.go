package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/woodytoys/woodytoys/internal/oracle"
	"github.com/woodytoys/woodytoys/internal/programs"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// TestAReservationLapses checks that what an order has reserved comes back by itself when nobody validates it.
func TestAReservationLapses(t *testing.T) {
	t.Parallel()
	r := mustStartReplica(t, "WOODY_ORDER_WORKERS=0", "WOODY_RESERVE_FOR=1s")
	mustAwait(t, r.URL+"/api/products?product=Robot&stock=1", http.StatusOK, "Robot (stock=1)")
	response, err := http.Post(r.URL+"/api/orders", "application/json", strings.NewReader(`{"product":"Robot"}`))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusAccepted {
		t.Fatalf("an order is answered %s", response.Status)
	}
	mustAwait(t, r.URL+"/api/orders/do?order=Robot", http.StatusConflict, "sold out")
	mustAwait(t, r.URL+"/api/products/3", http.StatusOK, "Robot (stock=1)")
	mustAwait(t, r.URL+response.Header.Get("Location"), http.StatusOK, `"status":"Lapsed"`)
	mustAwait(t, r.URL+"/api/orders/do?order=Robot", http.StatusOK, "Robot")
}

// saleSize is a sale: more buyers than toys.
type saleSize struct{ buyers, toys int }

var (
	smallSale = saleSize{buyers: 1_500, toys: 150}
	largeSale = saleSize{buyers: servertest.Part(10_000), toys: servertest.Part(1_000)}
)

// TestASale sells out one process on SQLite, and three replicas behind the proxy with MariaDB.
func TestASale(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { sellOnSQLite(t, smallSale) })
	t.Run("mariadb", func(t *testing.T) { sellOnMariaDB(t, smallSale) })
}

// TestLongSale sells a thousand toys to ten thousand buyers, or a part of that, also with a cluster.
func TestLongSale(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { sellOnSQLite(t, largeSale) })
	t.Run("mariadb", func(t *testing.T) { sellOnMariaDB(t, largeSale) })
	t.Run("cluster", func(t *testing.T) { sellOnCluster(t, largeSale) })
}

func sellOnSQLite(t *testing.T, size saleSize) {
	r := mustStartReplica(t, "WOODY_HEAVY_DELAY=0", "WOODY_SLOW_QUERY_DELAY=0")
	sell(t, r.URL, size, []*replica{r})
}

func sellOnMariaDB(t *testing.T, size saleSize) {
	dsn := servertest.MustMakeDatabase(t, servertest.MustStartMariaDB(t))
	sellOnReplicas(t, size, func(int) []string { return []string{"WOODY_DB_DSN=" + dsn} })
}

// sellOnCluster sells with two replicas that write at one node of a cluster, and a third at another.
func sellOnCluster(t *testing.T, size saleSize) {
	cluster := servertest.MustStartGalera(t, 3)
	dsn := servertest.MustMakeDatabase(t, cluster.Nodes[0].MariaDB)
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	sellOnReplicas(t, size, func(i int) []string {
		return []string{"WOODY_DB_DIRECT=cluster", "WOODY_DB_DSN=" + cluster.Nodes[i/2].DSN(cfg.DBName),
			"WOODY_DB_READ_DSN=" + cluster.Nodes[2].DSN(cfg.DBName)}
	})
}

func sellOnReplicas(t *testing.T, size saleSize, database func(i int) []string) {
	redis := servertest.MustStartRedis(t)
	var replicas []*replica
	var addrs []string
	for i := range 3 {
		settings := append(database(i), "WOODY_REDIS_ADDR="+redis.Addr, fmt.Sprintf("WOODY_REPLICA_ID=r%d", i),
			"WOODY_HEAVY_DELAY=0", "WOODY_SLOW_QUERY_DELAY=0",
			// A slow machine is not to be taken for a lost Redis or replica.
			"WOODY_REDIS_TIMEOUT=5s", "WOODY_ACK_TIMEOUT=5s", "WOODY_CACHE_LEASE=5s")
		r := mustStartReplica(t, settings...)
		replicas, addrs = append(replicas, r), append(addrs, r.Addr())
	}
	proxy, err := programs.StartHAProxy(programs.HAProxyConfig{API: addrs})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	mustAwait(t, proxy.URL+"/api/ping", http.StatusOK, "")
	sell(t, proxy.URL, size, replicas)
}

// sale is what buyers and readers share.
type sale struct {
	t         *testing.T
	url       string
	client    *http.Client
	size      saleSize
	product   int64
	begun     atomic.Int64 // orders
	sold      atomic.Int64 // orders that were acknowledged
	refused   atomic.Int64
	mu        sync.Mutex
	orders    []string
	latencies []time.Duration
}

// sell runs all buyers, 500 at a time, each with a key under which he sends his order again where the response says so
// wait. Readers look at the product meanwhile. At the end all is sold, and nothing twice.
func sell(t *testing.T, url string, size saleSize, replicas []*replica) {
	const atOnce = 500
	s := &sale{t: t, url: url, size: size, client: &http.Client{Timeout: 5 * time.Minute,
		Transport: &http.Transport{MaxIdleConnsPerHost: atOnce + 8, MaxConnsPerHost: atOnce + 8}}}
	var made struct{ ID int64 }
	body := fmt.Sprintf(`{"name":"Robot","stock":%d,"price":{"amount":1999,"currency":"EUR"}}`, size.toys)
	if status, _ := s.mustSend(http.MethodPost, "/api/products", body, &made); status != http.StatusCreated {
		t.Fatalf("add the product: %d", status)
	}
	s.product = made.ID
	var buyers, readers sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		readers.Go(func() { s.look(stop) })
	}
	next := make(chan int)
	for range atOnce {
		buyers.Go(func() {
			for i := range next {
				s.buy(i%2 == 0)
			}
		})
	}
	for i := range size.buyers {
		next <- i
	}
	close(next)
	buyers.Wait()
	close(stop)
	readers.Wait()
	if sold := s.sold.Load(); sold != int64(size.toys) {
		t.Errorf("%d toys were sold, want %d", sold, size.toys)
	}
	slices.Sort(s.orders)
	if n := len(slices.Compact(s.orders)); n != size.toys {
		t.Errorf("they are %d orders", n)
	}
	slices.Sort(s.latencies)
	n := len(s.latencies)
	t.Logf("%d refused; p50 %v, p99 %v, max %v", s.refused.Load(), s.latencies[n/2], s.latencies[n*99/100],
		s.latencies[n-1])
	for _, r := range replicas {
		var p struct{ Stock int64 }
		if _, text := mustGetJSON(t, r.URL+fmt.Sprint("/api/products/", s.product), &p); p.Stock != 0 {
			t.Errorf("a replica says %s", text)
		}
	}
	for _, id := range s.orders[:min(len(s.orders), 100)] {
		mustAwait(t, replicas[0].URL+"/api/orders/"+id, http.StatusOK, "Success")
	}
}

// buy orders one, by its id or by its name, until it is served or told that there is nothing left.
func (s *sale) buy(byID bool) {
	body := `{"product":"Robot"}`
	if byID {
		body = fmt.Sprintf(`{"items":[{"product":%d,"quantity":1}]}`, s.product)
	}
	key := oracle.NewKey()
	s.begun.Add(1)
	for range 100 {
		var order struct {
			ID   string `json:"order_id"`
			Type string
		}
		began := time.Now()
		status, later := s.mustSend(http.MethodPost, "/api/orders", body, &order, "Idempotency-Key", key)
		took := time.Since(began)
		s.mu.Lock()
		s.latencies = append(s.latencies, took)
		s.mu.Unlock()
		switch {
		case status == http.StatusAccepted:
			s.sold.Add(1)
			s.mu.Lock()
			s.orders = append(s.orders, order.ID)
			s.mu.Unlock()
			return
		case status == http.StatusConflict && order.Type == "/api/docs#sold-out":
			s.refused.Add(1)
			if begun := s.begun.Load(); begun <= int64(s.size.toys) {
				s.t.Errorf("it was sold out when %d of %d had been ordered", begun, s.size.toys)
			}
			return
		case (status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests) && later != "",
			status == http.StatusGatewayTimeout: // nobody knows what became of it: the key does
			time.Sleep(50 * time.Millisecond)
		default:
			s.t.Errorf("an order is answered %d, Retry-After %q", status, later)
			return
		}
	}
	s.t.Error("an order was put off a hundred times")
}

// look reads what is left, which is never more than what was not sold when it began, nor less than what was not ordered
// when it ended.
func (s *sale) look(stop <-chan struct{}) {
	looks := 0
	for {
		select {
		case <-stop:
			s.t.Logf("%d looks", looks)
			return
		default:
		}
		most := int64(s.size.toys) - s.sold.Load()
		var p struct{ Stock *int64 }
		status, later := s.mustSend(http.MethodGet, fmt.Sprint("/api/products/", s.product), "", &p)
		if status == http.StatusServiceUnavailable && later != "" { // the queue before the replicas is long
			time.Sleep(50 * time.Millisecond)
			continue
		}
		if status != http.StatusOK || p.Stock == nil {
			s.t.Errorf("a read is answered %d", status)
			continue
		}
		if least := int64(s.size.toys) - s.begun.Load(); *p.Stock > most || *p.Stock < least {
			s.t.Errorf("a read shows %d; from %d to %d were left", *p.Stock, least, most)
		}
		looks++
		time.Sleep(time.Millisecond)
	}
}

// mustSend sends a request, and returns the status and Retry-After of its response, whose JSON goes to into.
func (s *sale) mustSend(method, path, body string, into any, header ...string) (status int, later string) {
	request, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Error(err)
		return 0, ""
	}
	request.Header.Set("Accept", "application/json")
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := s.client.Do(request)
	if err != nil {
		s.t.Error(err)
		return 0, ""
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err = errors.Join(err, json.Unmarshal(content, into)); err != nil {
		s.t.Errorf("%s %s: %v in %q", method, path, err, content)
	}
	return response.StatusCode, response.Header.Get("Retry-After")
}

func mustGetJSON(t *testing.T, url string, into any) (status int, text string) {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err = errors.Join(err, json.Unmarshal(content, into)); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(content)
}
