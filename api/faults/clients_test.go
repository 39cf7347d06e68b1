package faults

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	products    = 20 // that are renamed over and over
	readerCount = 16
	writerCount = 8
	// clientTimeout is longer than any bound of the protocol.
	clientTimeout = 8 * time.Second
	// pause is what a client rests between two calls, so that load, servers and faults share two cores.
	pause = 4 * time.Millisecond
)

// clients call the shop until ctx ends. While quiet is locked, nobody writes.
type clients struct {
	system *system
	oracle *oracle
	http   *http.Client
	quiet  sync.RWMutex
	group  sync.WaitGroup
}

func newClients(s *system) *clients {
	return &clients{system: s, http: &http.Client{
		Timeout: clientTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: readerCount + writerCount},
	}}
}

func (c *clients) start(ctx context.Context, seed uint64) {
	for i := range readerCount + writerCount {
		c.group.Go(func() {
			draw := rand.New(rand.NewPCG(seed, uint64(i)))
			for ctx.Err() == nil {
				if i < readerCount {
					c.readOnce(c.system.any(draw), draw)
				} else {
					c.writeOnce(c.system.writer(draw), draw)
				}
				time.Sleep(pause)
			}
		})
	}
}

func (c *clients) readOnce(r *replica, draw *rand.Rand) {
	switch n := draw.IntN(10); {
	case n < 7:
		c.readProduct(r, draw.IntN(products), spellings[draw.IntN(len(spellings))])
	case n < 8:
		c.readLast(r)
	case n < 9:
		c.readOrder(r, draw)
	default:
		c.readPage(r)
	}
}

func (c *clients) writeOnce(r *replica, draw *rand.Rand) {
	switch n := draw.IntN(8); {
	case n < 5:
		c.rename(r, draw.IntN(products))
	case n < 7:
		c.addAndDelete(r, c.system.writer(draw))
	default:
		c.order(draw)
	}
}

type product struct {
	ID      int64  `json:"id"`
	Name    string `json:"name"`
	Version int64  `json:"version"`
}

// call answers the status, and the JSON of a good answer in into; header is names and values. A call that brought no answer has an
// error.
func (c *clients) call(r *replica, method, path, body string, into any, header ...string) (status int, layer string, err error) {
	request, err := http.NewRequest(method, r.url()+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	request.Header.Set("Accept", "application/json")
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	answer, err := c.http.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode < 300 && into != nil {
		err = json.Unmarshal(content, into)
	}
	return answer.StatusCode, answer.Header.Get("Cache-Status"), err
}

// read makes a read, and answers whether it brought an answer to look at.
func (c *clients) read(r *replica, path string, into any) (status int, layer string, answered bool) {
	status, layer, err := c.call(r, http.MethodGet, path, "", into)
	c.oracle.reads.Add(1)
	if err != nil || status >= 500 {
		c.oracle.failedReads.Add(1)
		return 0, "", false
	}
	return status, layer, true
}

// spellings are ways to write a product's address: each is kept under a key of its own, and all of them are to go with
// the product's tag.
var spellings = []string{
	"/api/products/%d", "/api/products/%d?id=0", "/api/products/%d/", "/api/products/0%d", "/api/products/+%d",
}

func (c *clients) readProduct(r *replica, i int, spelling string) {
	floor := c.oracle.floors[i].Load()
	var p product
	status, layer, answered := c.read(r, fmt.Sprintf(spelling, c.oracle.ids[i]), &p)
	if answered && (status != http.StatusOK || p.Version < floor) {
		c.oracle.violated("%s answers %d, version %d of product %d; %d was acknowledged before (%s)", r.name, status, p.Version, c.oracle.ids[i], floor, layer)
	}
}

func (c *clients) readLast(r *replica) {
	// The floor of the count: what was deleted is counted from when its deletion began.
	added := c.oracle.added.Load()
	var last struct {
		Count int64    `json:"count"`
		Last  *product `json:"last"`
	}
	status, layer, answered := c.read(r, "/api/products/last", &last)
	least := added - c.oracle.deleted.Load()
	if !answered {
		return
	}
	if status != http.StatusOK || last.Count < least {
		c.oracle.violated("%s answers %d, a count of %d; there were %d at least (%s)", r.name, status, last.Count, least, layer)
	}
}

func (c *clients) readPage(r *replica) {
	floors := make([]int64, products)
	for i := range floors {
		floors[i] = c.oracle.floors[i].Load()
	}
	var page struct {
		Products []product `json:"products"`
	}
	// The page that begins with the last of the products that are renamed, and holds all of them.
	path := fmt.Sprintf("/api/products?limit=%d&after=%d", products, c.oracle.ids[products-1]+1)
	status, layer, answered := c.read(r, path, &page)
	if !answered {
		return
	}
	if status != http.StatusOK || len(page.Products) != products {
		c.oracle.violated("%s answers %d and a page of %d products, want %d (%s)", r.name, status, len(page.Products), products, layer)
		return
	}
	for i, p := range page.Products {
		if floor := floors[products-1-i]; p.Version < floor {
			c.oracle.violated("%s has version %d of product %d on a page; %d was acknowledged before (%s)", r.name, p.Version, p.ID, floor, layer)
		}
	}
}

// write makes a write, and answers whether it was acknowledged.
func (c *clients) write(r *replica, method, path, body string, into any, header ...string) bool {
	c.quiet.RLock()
	defer c.quiet.RUnlock()
	status, _, err := c.call(r, method, path, body, into, header...)
	c.oracle.writes.Add(1)
	if err != nil || status >= 500 {
		c.oracle.failedWrites.Add(1)
		return false
	}
	if status >= 300 {
		c.oracle.violated("%s answers %d to %s %s", r.name, status, method, path)
		return false
	}
	return true
}

func (c *clients) rename(r *replica, i int) {
	var p product
	body := fmt.Sprintf(`{"name":"Toy %d"}`, rand.IntN(1e9))
	if c.write(r, http.MethodPut, fmt.Sprintf("/api/products/%d", c.oracle.ids[i]), body, &p) {
		raise(&c.oracle.floors[i], p.Version)
	}
}

// addAndDelete adds one product on a replica, however often that takes, finds it on another, deletes it there, and wants it gone on
// the first.
func (c *clients) addAndDelete(r, other *replica) {
	var p product
	key := newKey()
	body := fmt.Sprintf(`{"name":"Passing %s"}`, key)
	if !c.sendAgain(func() bool {
		return c.write(r, http.MethodPost, "/api/products", body, &p, "Idempotency-Key", key)
	}) {
		return
	}
	c.oracle.added.Add(1)
	path := fmt.Sprintf("/api/products/%d", p.ID)
	if status, layer, answered := c.read(other, path, nil); answered && status != http.StatusOK {
		c.oracle.violated("%s answers %d of product %d, which was added before (%s)", other.name, status, p.ID, layer)
	}
	c.oracle.deleted.Add(1)
	if !c.write(other, http.MethodDelete, path, "", nil) {
		return
	}
	if status, layer, answered := c.read(r, path, nil); answered && status != http.StatusNotFound {
		c.oracle.violated("%s answers %d of product %d, which was deleted before (%s)", r.name, status, p.ID, layer)
	}
}

// prepare adds the products that are renamed, and makes the oracle of them.
func (c *clients) prepare() error {
	var ids []int64
	for range products {
		var p product
		status, _, err := c.call(c.system.replicas[0], http.MethodPost, "/api/products", `{"name":"Toy"}`, &p)
		if err != nil || status != http.StatusCreated {
			return fmt.Errorf("add a product: %d, %w", status, err)
		}
		ids = append(ids, p.ID)
	}
	c.oracle = newOracle(ids)
	for i := range ids {
		c.oracle.floors[i].Store(1)
	}
	c.oracle.added.Store(products)
	return nil
}

// convergeTime is far less than the TTL, by which alone a lost invalidation would be made good.
const convergeTime = 10 * time.Second

// converged has nobody write, and wants every replica to answer what the database has, within convergeTime.
func (c *clients) converged(after string) (took time.Duration) {
	c.quiet.Lock()
	defer c.quiet.Unlock()
	began := time.Now()
	for {
		differ, err := c.difference()
		took = time.Since(began)
		switch {
		case err == nil && differ == "":
			return took
		case took > convergeTime && err != nil:
			c.system.t.Errorf("after %s: %v", after, err)
			return took
		case took > convergeTime:
			c.oracle.violated("after %s: %s, %v after the last write", after, differ, convergeTime)
			return took
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// difference is the first difference between what a replica answers and what the database has.
func (c *clients) difference() (string, error) {
	for i, id := range c.oracle.ids {
		var truth int64
		if err := c.system.db.QueryRow("SELECT version FROM product WHERE id = ?", id).Scan(&truth); err != nil {
			return "", err
		}
		if floor := c.oracle.floors[i].Load(); truth < floor {
			return fmt.Sprintf("the database has version %d of product %d; %d was acknowledged", truth, id, floor), nil
		}
		for _, r := range c.system.replicas {
			var p product
			status, layer, err := c.call(r, http.MethodGet, fmt.Sprintf("/api/products/%d", id), "", &p)
			if err != nil || status != http.StatusOK {
				return "", fmt.Errorf("%s answers %d, %w", r.name, status, err)
			}
			if p.Version != truth {
				return fmt.Sprintf("%s has version %d of product %d, the database %d (%s)", r.name, p.Version, id, truth, layer), nil
			}
		}
	}
	return c.orderDifference()
}
