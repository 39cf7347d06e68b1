package report

import (
	"fmt"

	"github.com/woodytoys/woodytoys/benchmarks/report/figures"
)

// halfReads is how many of a product's reads there are to be while it is sold, for each that there is without.
const halfReads = .5

// saleView is the chapter on a flash sale.
type saleView struct {
	How   string
	Says  []string
	Table table
}

// sale returns the chapter; without a table where no sale was measured.
func (b *builder) sale() (v saleView) {
	stages := b.having(figures.SaleGroup)
	if len(stages) == 0 {
		return v
	}
	v.Table.Head = []string{"", "sold, until none was left", "taken after, p50", "p99", "sold out after, p50", "p99",
		"errors", "reads before", "reads meanwhile", "times"}
	for _, stage := range stages {
		before, _ := b.r.Get(stage, figures.SaleReads(figures.Before).Rate())
		during, _ := b.r.Get(stage, figures.SaleReads(figures.During).Rate())
		ratio, ok := figures.RatioOf(before, during)
		cell := none
		if ok {
			cell = times(ratio)
			if ratio.Times < halfReads {
				v.Says = append(v.Says, fmt.Sprintf("%s: while it is sold the product is read %s times as often as "+
					"before, and half was asked for.", stage, times(ratio)))
			}
		}
		v.Table.add(stage, b.cell(stage, figures.SaleTaken.Rate()), b.cell(stage, figures.SaleTaken.P50()),
			b.cell(stage, figures.SaleTaken.P99()), b.cell(stage, figures.SaleRefused.P50()),
			b.cell(stage, figures.SaleRefused.P99()), b.cell(stage, figures.SaleOrders.Errors()),
			b.rate(stage, before.Name, figures.SaleReads(figures.Before).Errors()),
			b.rate(stage, during.Name, figures.SaleReads(figures.During).Errors()), cell)
	}
	size := b.r.Run.Settings
	v.How = fmt.Sprintf("%s orders for a new product of which there are %s, by %s buyers at once, each again as soon "+
		"as there is an answer, while 16 readers ask for the product. As many toys are gone in the end as orders were "+
		"acknowledged, and no read shows more than was left when it began; else the run would be invalid. Orders that "+
		"come together share a transaction, and what is known to be sold out is refused without the database where "+
		"there is a cache.", count(size.SaleOrders), count(size.SaleToys), count(size.SaleBuyers))
	return v
}
