package store

import (
	"database/sql"

	"github.com/woodytoys/woodytoys/api/shop"
)

// productColumns are what scanProduct reads.
const productColumns = "id, name, version, woody_stock, woody_price, woody_currency"

// scanProduct reads a row of productColumns.
func scanProduct(scan func(dest ...any) error, p *shop.Product) error {
	var stock, price sql.NullInt64
	var currency string
	err := scan(&p.ID, &p.Name, &p.Version, &stock, &price, &currency)
	p.Stock, p.Price = termsOf(stock, price, currency)
	return err
}

// termsOf returns what a product's columns say. A stock below zero, which somebody may have written past this program,
// is one of which nothing is left.
func termsOf(stock, price sql.NullInt64, currency string) (s shop.Stock, p shop.Price) {
	if stock.Valid {
		s = shop.InStock(max(stock.Int64, 0))
	}
	if price.Valid {
		p = shop.Price{Amount: price.Int64, Currency: currency}
	}
	return s, p
}

// termsArgs are the values of woody_stock, woody_price and woody_currency.
func termsArgs(s shop.Stock, p shop.Price) []any {
	var stock, price any
	if s.Limited {
		stock = s.Left
	}
	if p != (shop.Price{}) {
		price = p.Amount
	}
	return []any{stock, price, p.Currency}
}
