package shop

import (
	"cmp"
	"fmt"
	"slices"
)

const (
	// ItemsMax is how many lines an order may have.
	ItemsMax = 20
	// QuantityMax is how many of one product an order may have.
	QuantityMax = 1000
)

// Item is a line of an order.
type Item struct {
	// Product is the product's id.
	Product  int64 `json:"product"`
	Quantity int64 `json:"quantity"`
	// Price is what one cost when it was ordered.
	Price Price `json:"price,omitzero"`
	// Taken is how many were taken from the product's stock: all of them, or none where it was unlimited.
	Taken int64 `json:"-"`
}

// CleanItems returns the lines of an order by their product's id, which is the order that stock is taken in. It fails
// with Invalid unless there are 1 to ItemsMax, each of another product and of 1 to QuantityMax.
func CleanItems(items []Item) ([]Item, error) {
	if len(items) == 0 || len(items) > ItemsMax {
		return nil, invalid(fmt.Sprintf("The order has %d items; 1 to %d are allowed.", len(items), ItemsMax))
	}
	clean := make([]Item, len(items))
	for i, item := range items {
		if item.Product < 1 {
			return nil, invalid("An item's product is a product's id, a whole number from 1.")
		}
		if item.Quantity < 1 || item.Quantity > QuantityMax {
			return nil, invalid(fmt.Sprintf("An item's quantity is a whole number from 1 to %d.", QuantityMax))
		}
		clean[i] = Item{Product: item.Product, Quantity: item.Quantity}
	}
	slices.SortFunc(clean, func(a, b Item) int { return cmp.Compare(a.Product, b.Product) })
	for i := range clean[1:] {
		if clean[i].Product == clean[i+1].Product {
			return nil, invalid(fmt.Sprintf("Product %d is in two items: order all of it in one.", clean[i].Product))
		}
	}
	return clean, nil
}

// sameItems reports whether two orders are for the same.
func sameItems(a, b []Item) bool {
	return slices.EqualFunc(a, b, func(a, b Item) bool { return a.Product == b.Product && a.Quantity == b.Quantity })
}

// Total returns what an order costs; none where an item has no price, or they are in several currencies. It cannot
// overflow: see PriceMax.
func (o Order) Total() Price {
	var total Price
	for i, item := range o.Items {
		if item.Price == (Price{}) || i > 0 && item.Price.Currency != total.Currency {
			return Price{}
		}
		total = Price{total.Amount + item.Price.Amount*item.Quantity, item.Price.Currency}
	}
	return total
}

// Left is what is left of a product of which there is not enough.
type Left struct {
	Product int64 `json:"product"`
	Left    int64 `json:"left"`
	Wanted  int64 `json:"wanted"`
}

// TakeAll takes an order's items from the stock of products by their ids, and notes in each item what was taken and at
// what price. It takes nothing and fails with NotFound where a product is missing, or with SoldOut or TooFew where one
// has not enough.
func TakeAll(items []Item, products map[int64]*Product) error {
	var short []Left
	for _, item := range items {
		p := products[item.Product]
		if p == nil {
			return &Error{Kind: NotFound, Detail: fmt.Sprintf("There is no product %d to order.", item.Product)}
		}
		if p.Stock.Limited && p.Stock.Left < item.Quantity {
			short = append(short, Left{Product: p.ID, Left: max(p.Stock.Left, 0), Wanted: item.Quantity})
		}
	}
	if len(short) > 0 {
		return tooFew(short)
	}
	for i := range items {
		item := &items[i]
		p := products[item.Product]
		item.Price, item.Taken = p.Price, 0
		if p.Stock.Limited {
			item.Taken = item.Quantity
			p.Stock.Left -= item.Quantity
		}
	}
	return nil
}

// tooFew returns the error of an order for more than there is.
func tooFew(short []Left) error {
	for _, left := range short {
		if left.Left == 0 {
			return &Error{Kind: SoldOut, Left: short, Detail: fmt.Sprintf("Product %d is sold out.", left.Product)}
		}
	}
	return &Error{Kind: TooFew, Left: short, Detail: fmt.Sprintf(
		"Too few of product %d are left: %d, and %d were ordered.", short[0].Product, short[0].Left, short[0].Wanted)}
}
