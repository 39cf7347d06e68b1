package faults

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/woodytoys/woodytoys/internal/oracle"
)

// latest are the names of the newest things of a kind.
type latest struct {
	mu    sync.Mutex
	names []string
}

// keptLatest is how many of them are kept.
const keptLatest = 256

func (l *latest) add(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.names = append(l.names, name)
	l.names = l.names[max(0, len(l.names)-keptLatest):]
}

// newest returns up to n of them.
func (l *latest) newest(n int) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.names[max(0, len(l.names)-n):])
}

type order struct {
	ID     string `json:"order_id"`
	Status string `json:"status"`
}

// tries is how often an obedient client sends a write that is not acknowledged, in all.
const tries = 5

// order sends an order under a key of its own until it is acknowledged, each time to another replica, and once more
// then: it is one order.
func (c *clients) order(draw *rand.Rand) {
	key := oracle.NewKey()
	place := func(placed *order) bool {
		return c.write(c.system.writer(draw), http.MethodPost, "/api/orders", `{"product":"Yoyo"}`, placed,
			"Idempotency-Key", key)
	}
	var first, again order
	if !c.sendAgain(func() bool { return place(&first) }) {
		return
	}
	c.orders.add(first.ID)
	var once oracle.Once[string]
	once.Acknowledged(first.ID)
	if place(&again) {
		c.findings.Add(once.Acknowledged(again.ID), "an order sent again under the same key was %s, and is %s",
			first.ID, again.ID)
	}
}

// sendAgain sends a write until it is acknowledged, a few times, and reports whether it was.
func (c *clients) sendAgain(write func() bool) bool {
	for range tries {
		if write() {
			return true
		}
		time.Sleep(pause)
	}
	return false
}

// orderSpellings returns paths that may lead to one order. Only of the first is it known that it does.
func orderSpellings(id string) []string {
	upper := strings.ToUpper(id)
	paths := []string{"/api/orders/" + id, "/api/orders/" + upper}
	for _, asked := range []string{id, upper, id + " ", id + "  ", " " + id} {
		paths = append(paths, "/api/orders/?order_id="+url.QueryEscape(asked))
	}
	return paths
}

// readOrder reads a new order by one of its spellings: the status may be any, since orders end at any time.
func (c *clients) readOrder(r *replica, draw *rand.Rand) {
	ids := c.orders.newest(4)
	if len(ids) == 0 {
		return
	}
	paths := orderSpellings(ids[draw.IntN(len(ids))])
	i := draw.IntN(len(paths))
	status, layer, answered := c.read(r, paths[i], nil)
	if answered && i == 0 && status != http.StatusOK {
		c.findings.Add(oracle.Stale, "%s answers %d to %s, which was acknowledged before (%s)",
			r.name, status, paths[i], layer)
	}
}

// orderDifference returns the first difference between the database's orders and what a replica answers of them,
// however they are spelled; and between the orders and the keys that they were sent with.
func (c *clients) orderDifference() (oracle.Verdict, string, error) {
	var orders, keys int
	const count = "SELECT (SELECT COUNT(*) FROM `order`), (SELECT COUNT(*) FROM order_key)"
	if err := c.system.db.QueryRow(count).Scan(&orders, &keys); err != nil {
		return 0, "", err
	}
	if orders != keys {
		return oracle.Wrong, fmt.Sprintf("there are %d orders of %d keys", orders, keys), nil
	}
	for _, id := range c.orders.newest(2) {
		var truth string
		if err := c.system.db.QueryRow("SELECT status FROM `order` WHERE order_id = ?", id).Scan(&truth); err != nil {
			return oracle.Lost, fmt.Sprintf("order %s, which was acknowledged: %v", id, err), nil
		}
		for _, r := range c.system.replicas {
			for i, path := range orderSpellings(id) {
				var o order
				status, layer, err := c.call(r, http.MethodGet, path, "", &o)
				if err != nil || status >= 500 {
					return 0, "", fmt.Errorf("%s answers %d, %w", r.name, status, err)
				}
				if status != http.StatusOK && i > 0 {
					continue
				}
				if o.Status != truth {
					differ := fmt.Sprintf("%s says %q of %s, the database %q (%d, %s)",
						r.name, o.Status, path, truth, status, layer)
					return oracle.Stale, differ, nil
				}
			}
		}
	}
	return oracle.Good, "", nil
}
