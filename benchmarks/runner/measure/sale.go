package measure

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/load"
	"github.com/woodytoys/woodytoys/benchmarks/report/figures"
	"github.com/woodytoys/woodytoys/benchmarks/report/raw"
	"github.com/woodytoys/woodytoys/internal/oracle"
)

// Kinds of the samples of a sale.
const (
	saleOrder = iota
	saleRead
	saleReadAhead // while the buyers are still connecting; it is not kept
)

// saleReaders is how many read the product at once, before the sale and during it.
const saleReaders = 16

// SaleSize is how large a sale is: so many toys, for which so many ask at once, each again after his response until so
// many orders were sent.
type SaleSize struct{ Toys, Buyers, Orders int }

// Sale measures a flash sale of a product that is added for it: first its readers alone for d, then the same while it
// is sold. What is kept of the first is What figures.Before, of the second figures.During.
func (s *Shop) Sale(ctx context.Context, size SaleSize, d time.Duration, keepEach func(raw.Measurement) error) error {
	sale, err := s.openSale(ctx, size.Toys)
	if err != nil {
		return fmt.Errorf("a sale: %w", err)
	}
	before := raw.Measurement{Name: "sale", What: figures.Before, Conns: saleReaders, ForMs: d.Milliseconds()}
	before, err = s.around(before, func(m *raw.Measurement) error {
		outcome, err := load.Run(ctx, load.Plan{Addr: s.Addr, Conns: saleReaders, For: d, Source: sale.reader})
		keep(m, outcome)
		return err
	})
	if err == nil {
		err = keepEach(before)
	}
	if err != nil {
		return err
	}
	during, err := s.around(raw.Measurement{Name: "sale", What: figures.During, Conns: size.Buyers,
		Requests: size.Orders}, func(m *raw.Measurement) error { return sale.sell(ctx, size, m) })
	if err == nil {
		err = keepEach(during)
	}
	return err
}

// sale is one product with a stock.
type sale struct {
	shop        *Shop
	toys        int64
	read, order []byte
	opened      atomic.Pointer[time.Time] // when the first order was sent; nil before
	begun       atomic.Int64              // orders that were sent
	taken       atomic.Int64              // orders that were acknowledged
	unknown     atomic.Int64              // orders that may have been carried out, or not
}

// openSale adds the product.
func (s *Shop) openSale(ctx context.Context, toys int) (*sale, error) {
	a := &auditor{shop: s, ctx: ctx}
	defer a.hangUp(0)
	request := s.post("/api/products", fmt.Sprintf(`{"name":%q,"stock":%d}`, s.newName("sale"), toys))
	response, ok := a.do(0, request)
	var made struct{ ID int64 }
	if !ok || response.Status != 201 || json.Unmarshal(response.Body, &made) != nil {
		return nil, orCause(ctx, fmt.Errorf("its product could not be added (%d %.200q)", response.Status,
			response.Body))
	}
	return &sale{shop: s, toys: int64(toys), read: s.get(fmt.Sprintf("/api/products/%d", made.ID)),
		order: s.post("/api/orders", fmt.Sprintf(`{"items":[{"product":%d,"quantity":1}]}`, made.ID))}, nil
}

// post returns a request with a JSON body, ready to be written.
func (s *Shop) post(path, body string) []byte {
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nAccept: application/json\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", path, s.host(), len(body), body)
}

// errSold ends the readers.
var errSold = errors.New("the sale is over")

// sell runs the buyers and the readers, and then counts what is left.
func (s *sale) sell(ctx context.Context, size SaleSize, m *raw.Measurement) error {
	reading, over := context.WithCancelCause(ctx)
	defer over(nil)
	var readers sync.WaitGroup
	var reads load.Outcome
	readers.Go(func() {
		reads, _ = load.Run(reading, load.Plan{Addr: s.shop.Addr, Conns: saleReaders, Source: s.reader})
	})
	orders, err := load.Run(ctx, load.Plan{Addr: s.shop.Addr, Conns: size.Buyers, Requests: size.Orders,
		Source: func(int) load.Source { return &buyer{s} }})
	over(errSold)
	if opened := s.opened.Load(); opened != nil {
		m.Count("reads_us", float64(time.Since(*opened).Microseconds()))
	}
	readers.Wait()
	s.unknown.Add(unanswered(orders))
	keep(m, orders)
	var read raw.Measurement
	keep(&read, reads)
	for _, sample := range read.Samples {
		if sample.Kind == saleRead {
			m.Samples = append(m.Samples, sample)
		}
	}
	m.Count("toys", float64(s.toys))
	if err != nil {
		return err
	}
	return s.close(ctx, m)
}

// unanswered returns how many requests were sent to which nobody responded: each may have been carried out.
func unanswered(o load.Outcome) (n int64) {
	for _, sample := range o.Samples {
		if sample.Status == 0 {
			n++
		}
	}
	return n
}

// close checks that as many toys are gone as orders were acknowledged, but for those whose outcome is unknown.
func (s *sale) close(ctx context.Context, m *raw.Measurement) error {
	a := &auditor{shop: s.shop, ctx: ctx}
	defer a.hangUp(0)
	response, ok := a.do(0, s.read)
	left, counted := leftIn(response.Body)
	if !ok || response.Status != 200 || !counted {
		return orCause(ctx, fmt.Errorf("what is left of the sale is answered %d %.200q", response.Status,
			response.Body))
	}
	gone, taken := s.toys-left, s.taken.Load()
	m.Count("sold", float64(gone))
	s.shop.shelf.checked(1)
	if gone < taken || gone > taken+s.unknown.Load() {
		s.shop.shelf.wrong("of a sale of %d toys %d are gone, and %d orders were acknowledged", s.toys, gone, taken)
	}
	return nil
}

// leftIn returns the stock in the response for a product.
func leftIn(body []byte) (int64, bool) {
	var product struct{ Stock *int64 }
	if json.Unmarshal(body, &product) != nil || product.Stock == nil {
		return 0, false
	}
	return *product.Stock, true
}

// buyer orders one toy at a time.
type buyer struct{ *sale }

func (b *buyer) Next() ([]byte, uint8) {
	if b.begun.Add(1) == 1 {
		now := time.Now()
		b.opened.Store(&now)
	}
	return b.order, saleOrder
}

var soldOut = []byte("/api/docs#sold-out")

func (b *buyer) Judge(a load.Response) load.Verdict {
	b.shop.shelf.checked(1)
	switch {
	case a.Status == 202:
		if b.taken.Add(1) > b.toys {
			return b.shop.shelf.wrong("more than the %d toys of a sale were sold", b.toys)
		}
		return load.Good
	case a.Status == 409 && bytes.Contains(a.Body, soldOut):
		if b.begun.Load() <= b.toys {
			return b.shop.shelf.wrong("an order is told by %s that a sale of %d toys is sold out, when %d had come",
				a.ServedBy, b.toys, b.begun.Load())
		}
		return load.Good
	}
	b.unknown.Add(1)
	return load.Failed
}

func (s *sale) reader(int) load.Source { return &saleReader{sale: s} }

// saleReader reads the product, and checks what is left against what was acknowledged before.
type saleReader struct {
	*sale
	floor int64
}

func (r *saleReader) Next() ([]byte, uint8) {
	r.floor = r.taken.Load()
	if r.opened.Load() == nil {
		return r.read, saleReadAhead
	}
	return r.read, saleRead
}

func (r *saleReader) Judge(a load.Response) load.Verdict {
	r.shop.shelf.checked(1)
	if a.Status != 200 {
		return load.Failed
	}
	left, ok := leftIn(a.Body)
	if !ok || left < 0 {
		return r.shop.shelf.wrong("a product with a stock is answered as %q", a.Body)
	}
	if left > r.toys-r.floor {
		return r.shop.shelf.note(oracle.Stale,
			"%d toys are left by %s (%s), though %d of %d were sold before the read began", left, a.ServedBy,
			a.CacheStatus, r.floor, r.toys)
	}
	return load.Good
}
