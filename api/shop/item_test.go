package shop_test

import (
	"math"
	"slices"
	"testing"

	"github.com/woodytoys/woodytoys/api/shop"
)

func TestCleanItems(t *testing.T) {
	got, err := shop.CleanItems([]shop.Item{{Product: 7, Quantity: 1000, Taken: 5}, {Product: 3, Quantity: 1}})
	want := []shop.Item{{Product: 3, Quantity: 1}, {Product: 7, Quantity: 1000}}
	if !slices.Equal(got, want) || err != nil {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	for _, wrong := range [][]shop.Item{
		nil, {}, make([]shop.Item, 21), {{Product: 1}}, {{Quantity: 1}}, {{Product: -1, Quantity: 1}},
		{{Product: 1, Quantity: -1}}, {{Product: 1, Quantity: 1001}}, {{Product: 1, Quantity: math.MaxInt64}},
		{{Product: 1, Quantity: 1}, {Product: 2, Quantity: 1}, {Product: 1, Quantity: 1}},
	} {
		if got, err := shop.CleanItems(wrong); shop.KindOf(err) != shop.Invalid || got != nil {
			t.Errorf("CleanItems(%v) = %v, %v; want Invalid", wrong, got, err)
		}
	}
}

// TestTotal checks the total of the dearest order that can be, which JavaScript's numbers hold too, and that there is
// none without a price or in two currencies.
func TestTotal(t *testing.T) {
	var order shop.Order
	for range shop.ItemsMax {
		order.Items = append(order.Items,
			shop.Item{Quantity: shop.QuantityMax, Price: shop.Price{Amount: shop.PriceMax, Currency: "EUR"}})
	}
	const most = shop.ItemsMax * shop.QuantityMax * shop.PriceMax
	if got := order.Total(); got.Amount != most || most > 1<<53 {
		t.Errorf("it costs %d, want %d, below 2 to the 53rd", got.Amount, int64(most))
	}
	order.Items[3].Price.Currency = "USD"
	if got := order.Total(); got != (shop.Price{}) {
		t.Errorf("in two currencies it costs %v", got)
	}
	order.Items[3].Price = shop.Price{}
	if got := order.Total(); got != (shop.Price{}) || (shop.Order{}).Total() != got {
		t.Errorf("without a price it costs %v", got)
	}
}

// TestTakeAll takes all of several products, or none.
func TestTakeAll(t *testing.T) {
	products := map[int64]*shop.Product{
		1: {ID: 1, Stock: shop.InStock(2)}, 2: {ID: 2}, 3: {ID: 3, Stock: shop.InStock(0)},
		4: {ID: 4, Stock: shop.InStock(-5)},
	}
	items := []shop.Item{{Product: 1, Quantity: 2}, {Product: 2, Quantity: 1000}}
	if err := shop.TakeAll(items, products); err != nil || products[1].Stock.Left != 0 || items[0].Taken != 2 ||
		items[1].Taken != 0 {
		t.Errorf("took %v of %v, %v", items, products[1], err)
	}
	products[1].Stock.Left = 1
	for _, row := range []struct {
		want  shop.Kind
		items []shop.Item
	}{
		{shop.TooFew, []shop.Item{{Product: 1, Quantity: 2}}},
		{shop.SoldOut, []shop.Item{{Product: 1, Quantity: 1}, {Product: 3, Quantity: 1}}},
		{shop.SoldOut, []shop.Item{{Product: 4, Quantity: 1}}},
		{shop.NotFound, []shop.Item{{Product: 1, Quantity: 1}, {Product: 9, Quantity: 1}}},
	} {
		if err := shop.TakeAll(row.items, products); shop.KindOf(err) != row.want || products[1].Stock.Left != 1 {
			t.Errorf("%v: %v, and %d are left", row.items, err, products[1].Stock.Left)
		}
	}
}
