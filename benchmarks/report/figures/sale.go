package figures

import (
	"fmt"

	"github.com/woodytoys/woodytoys/benchmarks/report/raw"
)

// saleRead is the kind of a sale's samples that are reads of its product; the others are orders.
const saleRead = 1

// sale is what readers of a product got, before it was sold and meanwhile, and what became of the orders. All toys are
// gone with the last order that was taken, which is what the rate is until.
func (m *resultsBuilder) sale(x raw.Measurement) error {
	isRead := func(s raw.Sample) bool { return x.What == Before || s.Kind == saleRead }
	reads, took := SaleReads(x.What), x.TookUs
	if us, ok := x.Counts["reads_us"]; ok {
		if took = int64(us); took <= 0 {
			return fmt.Errorf("%s %s: reads_us is %v: its product was read for no time", x.Stage, x.Title(), us)
		}
	}
	m.part(x, reads, took, isRead)
	if x.What == Before {
		return nil
	}
	taken := func(s raw.Sample) bool { return !isRead(s) && s.Status == 202 }
	var last int64
	for _, s := range x.Samples {
		if taken(s) {
			last = max(last, s.AtUs+s.TookUs)
		}
	}
	m.part(x, SaleTaken, last, taken)
	m.part(x, SaleRefused, 0, func(s raw.Sample) bool { return !isRead(s) && s.Status == 409 })
	m.part(x, SaleOrders, x.TookUs, func(s raw.Sample) bool { return !isRead(s) })
	m.put(x.Stage, SaleOrders.Of("sold"), "", "", x.Counts["sold"])
	return nil
}

// part is what some of a measurement's samples come to, in so long; a time of zero has no rate.
func (m *resultsBuilder) part(x raw.Measurement, name Key, tookUs int64, want func(raw.Sample) bool) {
	some := x
	some.Samples = nil
	for _, s := range x.Samples {
		if want(s) {
			some.Samples = append(some.Samples, s)
		}
	}
	good, failed := count(some)
	if good+failed == 0 {
		return
	}
	if tookUs > 0 {
		m.put(x.Stage, name.Rate(), "1/s", More, float64(good)/seconds(tookUs))
	}
	m.put(x.Stage, name.Errors(), "%", Less, percent(failed, good+failed))
	all := latencies(some, nil)
	m.quantile(x.Stage, name.P50(), all, .5)
	m.quantile(x.Stage, name.P99(), all, .99)
}
