package faults

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/woodytoys/woodytoys/internal/oracle"
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

// clients call the shop until ctx ends, and check each response against what was acknowledged before. While quiet is
// locked, nobody writes.
type clients struct {
	system *system
	http   *http.Client
	quiet  sync.RWMutex
	group  sync.WaitGroup

	ids      []int64       // of the products that are renamed
	ledger   oracle.Ledger // of those
	count    oracle.Count  // of all products
	sale     sale
	noSale   bool   // there is a version among the replicas that does not know of stocks
	orders   latest // acknowledged, by their ids
	gone     latest // products deleted, acknowledged, by the names that no other has
	tally    oracle.Tally
	findings oracle.Findings
}

func newClients(s *system) *clients {
	c := &clients{system: s, http: &http.Client{
		Timeout: clientTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: readerCount + writerCount},
	}}
	s.clients = c
	return c
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
	case n < 1 && !c.noSale:
		c.readSale(r)
	case n < 7:
		c.readProduct(r, c.ids[draw.IntN(products)], spellings[draw.IntN(len(spellings))])
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
		c.rename(r, c.ids[draw.IntN(products)])
	case n < 7:
		c.addAndDelete(r, c.system.writer(draw))
	case draw.IntN(2) == 0 && !c.noSale:
		c.buy(draw)
	default:
		c.order(draw)
	}
}

// call returns the status, and the JSON of a good response in into; header is names and values. A call that brought no
// response has an error.
func (c *clients) call(r *replica, method, path, body string, into any, header ...string) (
	status int, layer string, err error) {
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
	response, err := c.http.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode < 300 && into != nil {
		err = json.Unmarshal(content, into)
	}
	return response.StatusCode, response.Header.Get("Cache-Status"), err
}

// read makes a read, and reports whether it brought a response to look at.
func (c *clients) read(r *replica, path string, into any) (status int, layer string, answered bool) {
	status, layer, err := c.call(r, http.MethodGet, path, "", into)
	c.tally.Reads.Add(1)
	if err != nil || status >= 500 {
		c.tally.FailedReads.Add(1)
		return 0, "", false
	}
	return status, layer, true
}

// spellings are ways to write a product's address: each but the last is kept under a key of its own, and all of them
// are to go with the product's tag.
var spellings = []string{
	"/api/products/%d", "/api/products/%d?id=0", "/api/products/%d?id=1", "/api/products/%d?a=b&c", "/api/products/%d/",
}

func (c *clients) readProduct(r *replica, id int64, spelling string) {
	c.readItem(r, c.ledger.Item(id), id, fmt.Sprintf(spelling, id))
}

// readItem reads a product that may be deleted, and returns the layer that answered; empty for no response.
func (c *clients) readItem(r *replica, item *oracle.Item, id int64, path string) (layer string) {
	floor := item.Floor()
	var p oracle.Product
	status, layer, answered := c.read(r, path, &p)
	if !answered {
		return ""
	}
	verdict := item.Judge(floor, p.State())
	if status != http.StatusOK && status != http.StatusNotFound || status == http.StatusOK && p.ID != id {
		verdict = oracle.Wrong
	}
	c.findings.Add(verdict, "%s answers %d, %v of product %d; %v was acknowledged before (%s)",
		r.name, status, p.State(), id, floor, layer)
	return layer
}

func (c *clients) readLast(r *replica) {
	floor := c.count.Floor()
	var last struct{ Count int64 }
	status, layer, answered := c.read(r, "/api/products/last", &last)
	verdict, least := c.count.Judge(floor, last.Count), c.count.Least(floor)
	if !answered {
		return
	}
	if status != http.StatusOK {
		verdict = oracle.Wrong
	}
	c.findings.Add(verdict, "%s answers %d, a count of %d; there were %d at least (%s)",
		r.name, status, last.Count, least, layer)
}

func (c *clients) readPage(r *replica) {
	floors := make([]oracle.State, products)
	for i, id := range c.ids {
		floors[i] = c.ledger.Item(id).Floor()
	}
	var page struct{ Products []oracle.Product }
	// The page that begins with the last of the products that are renamed, and holds all of them.
	path := fmt.Sprintf("/api/products?limit=%d&after=%d", products, c.ids[products-1]+1)
	status, layer, answered := c.read(r, path, &page)
	if !answered {
		return
	}
	if status != http.StatusOK || len(page.Products) != products {
		c.findings.Add(oracle.Wrong, "%s answers %d and a page of %d products, want %d (%s)",
			r.name, status, len(page.Products), products, layer)
		return
	}
	for i, p := range page.Products {
		id, floor := c.ids[products-1-i], floors[products-1-i]
		verdict := c.ledger.Item(id).Judge(floor, p.State())
		if p.ID != id {
			verdict = oracle.Wrong
		}
		c.findings.Add(verdict, "%s has %v of product %d on a page, for product %d; %v was acknowledged before (%s)",
			r.name, p.State(), p.ID, id, floor, layer)
	}
}

// write makes a write while others may, and reports whether it was acknowledged.
func (c *clients) write(r *replica, method, path, body string, into any, header ...string) bool {
	c.quiet.RLock()
	defer c.quiet.RUnlock()
	return c.send(r, method, path, body, into, header...)
}

// send makes a write, and reports whether it was acknowledged.
func (c *clients) send(r *replica, method, path, body string, into any, header ...string) bool {
	status, _, err := c.call(r, method, path, body, into, header...)
	c.tally.Writes.Add(1)
	if err != nil || status >= 500 {
		c.tally.FailedWrites.Add(1)
		return false
	}
	if status >= 300 {
		c.findings.Add(oracle.Wrong, "%s answers %d to %s %s", r.name, status, method, path)
		return false
	}
	return true
}

func (c *clients) rename(r *replica, id int64) {
	c.quiet.RLock()
	defer c.quiet.RUnlock()
	c.renameAlone(r, id)
}

// renameAlone is rename for who has locked quiet, and reports whether it was acknowledged.
func (c *clients) renameAlone(r *replica, id int64) bool {
	var p oracle.Product
	body := fmt.Sprintf(`{"name":"Toy %d"}`, rand.IntN(1e9))
	acknowledged := c.send(r, http.MethodPut, fmt.Sprintf("/api/products/%d", id), body, &p)
	if acknowledged {
		verdict := c.ledger.Item(id).Acknowledged(p.State())
		c.findings.Add(verdict, "%s acknowledged %v of product %d, and another was acknowledged before",
			r.name, p.State(), id)
	}
	return acknowledged
}

// addAndDelete adds one product on a replica, however often that takes, finds it on another, deletes it there, and
// wants it gone on the first.
func (c *clients) addAndDelete(r, other *replica) {
	var p oracle.Product
	key := oracle.NewKey()
	name := "Passing " + key
	body := fmt.Sprintf(`{"name":"%s"}`, name)
	if !c.sendAgain(func() bool {
		return c.write(r, http.MethodPost, "/api/products", body, &p, "Idempotency-Key", key)
	}) {
		return
	}
	var item oracle.Item
	item.Acknowledged(p.State())
	c.count.Added(1)
	path := fmt.Sprintf("/api/products/%d", p.ID)
	c.readItem(other, &item, p.ID, path)
	item.Deleting()
	c.count.Deleting()
	if !c.write(other, http.MethodDelete, path, "", nil) {
		return
	}
	item.Deleted()
	c.gone.add(name)
	c.readItem(r, &item, p.ID, path)
}

// prepare adds the products that are renamed.
func (c *clients) prepare() error {
	if !c.noSale {
		if err := c.prepareSale(); err != nil {
			return err
		}
	}
	for range products {
		var p oracle.Product
		status, _, err := c.call(c.system.replicas[0], http.MethodPost, "/api/products", `{"name":"Toy"}`, &p)
		if err != nil || status != http.StatusCreated {
			return fmt.Errorf("add a product: %d, %w", status, err)
		}
		c.ids = append(c.ids, p.ID)
		c.ledger.Item(p.ID).Acknowledged(p.State())
	}
	c.count.Added(products)
	return nil
}

// convergeTime is far less than the TTL, by which alone a lost invalidation would be made good.
const convergeTime = 10 * time.Second

// converged stops all writes, and checks that every replica returns what the database has, within convergeTime.
func (c *clients) converged(after string) (took time.Duration) {
	c.quiet.Lock()
	defer c.quiet.Unlock()
	return c.awaitTruth(after)
}

// awaitTruth is converged for who has locked quiet.
func (c *clients) awaitTruth(after string) (took time.Duration) {
	began := time.Now()
	for {
		verdict, differ, err := c.difference()
		took = time.Since(began)
		switch {
		case err == nil && verdict == oracle.Good:
			return took
		case took > convergeTime && err != nil:
			c.system.t.Errorf("after %s: %v", after, err)
			return took
		case took > convergeTime:
			c.findings.Add(verdict, "after %s: %s, %v after the last write", after, differ, convergeTime)
			return took
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// difference returns the first difference between what was acknowledged and what the database has, or between that and
// what a replica answers, in words; Good if there is none.
func (c *clients) difference() (oracle.Verdict, string, error) {
	for _, id := range c.ids {
		var truth oracle.State
		row := c.system.db.QueryRow("SELECT version, name FROM product WHERE id = ?", id)
		if err := row.Scan(&truth.Version, &truth.Content); err != nil {
			return 0, "", err
		}
		item := c.ledger.Item(id)
		if verdict := item.Audit(truth); verdict != oracle.Good {
			return verdict, fmt.Sprintf("the database has %v of product %d; %v was acknowledged",
				truth, id, item.Floor()), nil
		}
		for _, r := range c.system.replicas {
			var p oracle.Product
			status, layer, err := c.call(r, http.MethodGet, fmt.Sprintf("/api/products/%d", id), "", &p)
			if err != nil || status != http.StatusOK {
				return 0, "", fmt.Errorf("%s answers %d, %w", r.name, status, err)
			}
			if p.State() != truth {
				differ := fmt.Sprintf("%s has %v of product %d, the database %v (%s)",
					r.name, p.State(), id, truth, layer)
				return oracle.Stale, differ, nil
			}
		}
	}
	if verdict, differ, err := c.keyDifference(); err != nil || differ != "" {
		return verdict, differ, err
	}
	if verdict, differ, err := c.saleDifference(); err != nil || differ != "" {
		return verdict, differ, err
	}
	return c.orderDifference()
}

// keyDifference returns the first product that is there once more than it was added: its key was used twice.
func (c *clients) keyDifference() (oracle.Verdict, string, error) {
	var twice int
	const query = "SELECT COUNT(*) - COUNT(DISTINCT name) FROM product WHERE name LIKE 'Passing %'"
	if err := c.system.db.QueryRow(query).Scan(&twice); err != nil || twice > 0 {
		return oracle.Wrong, fmt.Sprintf("%d products are there twice", twice), err
	}
	for _, name := range c.gone.newest(keptLatest) {
		var id int64
		switch err := c.system.db.QueryRow("SELECT id FROM product WHERE name = ?", name).Scan(&id); {
		case err == nil:
			return oracle.Wrong, fmt.Sprintf("%s was added and deleted, and is there as product %d", name, id), nil
		case !errors.Is(err, sql.ErrNoRows):
			return 0, "", err
		}
	}
	return oracle.Good, "", nil
}
