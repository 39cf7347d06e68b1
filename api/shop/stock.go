package shop

import (
	"fmt"
	"strconv"

	"github.com/woodytoys/woodytoys/internal/money"
)

const (
	// StockMax is the largest stock that a product may be given.
	StockMax = 1_000_000_000
	// PriceMax is the largest price, in minor units: an order's total is a whole number that JavaScript has too.
	PriceMax = 100_000_000_000
)

// Stock is how many of a product may still be ordered. The zero Stock is unlimited.
type Stock struct {
	// Limited reports whether the product is counted at all.
	Limited bool
	// Left is what is free: neither sold nor reserved by an order.
	Left int64
}

// InStock returns a limited stock.
func InStock(left int64) Stock { return Stock{Limited: true, Left: left} }

// MarshalJSON implements json.Marshaler: a limited stock is a number.
func (s Stock) MarshalJSON() ([]byte, error) {
	if !s.Limited {
		return []byte("null"), nil
	}
	return strconv.AppendInt(nil, s.Left, 10), nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (s *Stock) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		*s = Stock{}
		return nil
	}
	left, err := strconv.ParseInt(string(text), 10, 64)
	*s = InStock(left)
	return err
}

// CheckStock fails with Invalid unless s is unlimited or 0 to StockMax.
func CheckStock(s Stock) error {
	if s.Limited && (s.Left < 0 || s.Left > StockMax) {
		return invalid(fmt.Sprintf("The stock is a whole number from 0 to %d; null is unlimited.", StockMax))
	}
	return nil
}

// Price is what one of a product costs. The zero Price is none.
type Price struct {
	// Amount is in the currency's minor units, such as cents.
	Amount int64 `json:"amount"`
	// Currency is a code of ISO 4217, such as EUR.
	Currency string `json:"currency"`
}

// CheckPrice fails with Invalid unless p is none, or 0 to PriceMax of a currency of three capital letters.
func CheckPrice(p Price) error {
	if p == (Price{}) {
		return nil
	}
	if p.Amount < 0 || p.Amount > PriceMax {
		return invalid(fmt.Sprintf("The price's amount is a whole number of minor units (cents) from 0 to %d.",
			PriceMax))
	}
	const three = 3
	capitals := len(p.Currency) == three
	for i := range len(p.Currency) {
		capitals = capitals && 'A' <= p.Currency[i] && p.Currency[i] <= 'Z'
	}
	if !capitals {
		return invalid("The price's currency is a code of three capital letters, such as EUR (ISO 4217).")
	}
	return nil
}

// String returns the price in the currency's major units, such as "19.99 EUR"; empty for none.
func (p Price) String() string {
	if p == (Price{}) {
		return ""
	}
	return money.Format(p.Amount, p.Currency)
}

// Terms are the terms on which a product is sold. The zero Terms are those of a product that nobody counts or prices.
type Terms struct {
	Stock Stock
	Price Price
}

// CheckTerms fails with Invalid where CheckStock or CheckPrice does.
func CheckTerms(t Terms) error {
	if err := CheckStock(t.Stock); err != nil {
		return err
	}
	return CheckPrice(t.Price)
}

// Goods are what a new product is made from.
type Goods struct {
	Name string
	Terms
}

// clean checks the goods, and returns them with their name as CleanName has it.
func (g Goods) clean() (Goods, error) {
	name, err := CleanName(g.Name)
	if err != nil {
		return Goods{}, err
	}
	g.Name = name
	return g, CheckTerms(g.Terms)
}

// Change is what is to be changed of a product.
type Change struct {
	// Name is the new name; empty leaves the old one.
	Name string
	// Stock is the new stock; nil leaves the old one. What orders have reserved stands beside it: they return it later,
	// or it is sold.
	Stock *Stock
	// Price is the new price, for later orders; nil leaves the old one.
	Price *Price
}

// Of returns a product after the change, of the next version.
func (c Change) Of(p Product) Product {
	if c.Name != "" {
		p.Name = c.Name
	}
	if c.Stock != nil {
		p.Stock = *c.Stock
	}
	if c.Price != nil {
		p.Price = *c.Price
	}
	p.Version++
	return p
}

// clean checks the change, and returns it with its name as CleanName has it.
func (c Change) clean() (Change, error) {
	var terms Terms
	if c.Stock != nil {
		terms.Stock = *c.Stock
	}
	if c.Price != nil {
		terms.Price = *c.Price
	}
	if err := CheckTerms(terms); err != nil || c.Name == "" {
		return c, err
	}
	name, err := CleanName(c.Name)
	c.Name = name
	return c, err
}
