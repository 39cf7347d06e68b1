package faults

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/woodytoys/woodytoys/internal/oracle"
)

// saleToys is how many of the counted product there are: buyers come for more than that in a long run.
const saleToys = 2000

// sale is a product that is counted, ordered and given back while faults happen. The counts only rise, but returning.
type sale struct {
	id        int64
	begun     atomic.Int64 // orders that were sent, acknowledged or not
	bought    atomic.Int64 // those that were acknowledged
	returning atomic.Int64 // orders that may have been cancelled
	returned  atomic.Int64 // those of which that was acknowledged
}

// prepareSale adds the product.
func (c *clients) prepareSale() error {
	var p struct{ ID int64 }
	body := fmt.Sprintf(`{"name":"Counted","stock":%d}`, saleToys)
	status, _, err := c.call(c.system.replicas[0], http.MethodPost, "/api/products", body, &p)
	if err != nil || status != http.StatusCreated {
		return fmt.Errorf("add a counted product: %d, %w", status, err)
	}
	c.sale.id = p.ID
	c.count.Added(1)
	return nil
}

// readSale reads what is left: never more than was left when it began, nor less than when it ended.
func (c *clients) readSale(r *replica) {
	most, least := saleToys-c.sale.bought.Load(), saleToys+c.sale.returned.Load()
	var p struct{ Stock int64 }
	status, layer, answered := c.read(r, fmt.Sprintf("/api/products/%d", c.sale.id), &p)
	if !answered {
		return
	}
	most, least = most+c.sale.returning.Load(), least-c.sale.begun.Load()
	verdict := oracle.Good
	switch {
	case status != http.StatusOK:
		verdict = oracle.Wrong
	case p.Stock > most || p.Stock < least:
		verdict = oracle.Stale
	}
	c.findings.Add(verdict, "%s answers %d, that %d are left; from %d to %d were (%s)",
		r.name, status, p.Stock, least, most, layer)
}

// buy orders one under a key of its own until that is acknowledged or refused, and cancels some.
func (c *clients) buy(draw *rand.Rand) {
	key := oracle.NewKey()
	body := fmt.Sprintf(`{"items":[{"product":%d,"quantity":1}]}`, c.sale.id)
	var placed order
	c.sale.begun.Add(1)
	least := saleToys + c.sale.returned.Load()
	status := c.sendSale(draw, "/api/orders", body, &placed, key)
	switch status {
	case http.StatusConflict:
		if least -= c.sale.begun.Load(); least >= 0 { // his own order is among those that have begun
			c.findings.Add(oracle.Wrong, "an order was refused when at least %d were left for it", least+1)
		}
		return
	case http.StatusAccepted:
	default:
		return
	}
	c.sale.bought.Add(1)
	c.orders.add(placed.ID)
	if draw.IntN(2) == 0 {
		return
	}
	c.sale.returning.Add(1)
	switch c.sendSale(draw, "/api/orders/"+placed.ID+"/cancel", "", nil, key) {
	case http.StatusOK:
		c.sale.returned.Add(1)
	case http.StatusConflict: // it was validated before
		c.sale.returning.Add(-1)
	}
}

// sendSale sends a write of the sale until it is acknowledged or refused, a few times, each time to another replica. It
// returns 0 where it was not.
func (c *clients) sendSale(draw *rand.Rand, path, body string, into any, key string) int {
	for range tries {
		status := c.sendOnce(c.system.writer(draw), path, body, into, key)
		if status != 0 {
			return status
		}
		time.Sleep(pause)
	}
	return 0
}

func (c *clients) sendOnce(r *replica, path, body string, into any, key string) int {
	c.quiet.RLock()
	defer c.quiet.RUnlock()
	status, _, err := c.call(r, http.MethodPost, path, body, into, "Idempotency-Key", key)
	c.tally.Writes.Add(1)
	if err != nil || status >= 500 {
		c.tally.FailedWrites.Add(1)
		return 0
	}
	if status >= 300 && status != http.StatusConflict {
		c.findings.Add(oracle.Wrong, "%s answers %d to POST %s", r.name, status, path)
	}
	return status
}

// saleDifference returns what is wrong with the stock: what is sold, reserved and free is what there was.
func (c *clients) saleDifference() (oracle.Verdict, string, error) {
	if c.noSale {
		return oracle.Good, "", nil
	}
	var left, taken int64
	like := fmt.Sprintf(`[{"product":%d,"quantity":1,"taken":1%%`, c.sale.id)
	err := c.system.db.QueryRow("SELECT woody_stock, (SELECT COUNT(*) FROM `order` "+
		"WHERE status IN ('Pending', 'Success') AND woody_items LIKE ?) FROM product WHERE id = ?", like, c.sale.id).
		Scan(&left, &taken)
	if err != nil {
		return 0, "", err
	}
	if left < 0 || left+taken != saleToys {
		return oracle.Lost, fmt.Sprintf("of %d toys %d are left, and %d are ordered", saleToys, left, taken), nil
	}
	if bought, back := c.sale.bought.Load(), c.sale.returning.Load(); taken < bought-back {
		return oracle.Lost, fmt.Sprintf("%d toys are ordered; %d orders were acknowledged, and up to %d cancelled",
			taken, bought, back), nil
	}
	return oracle.Good, "", nil
}
