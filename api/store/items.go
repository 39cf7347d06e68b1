package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/woodytoys/woodytoys/api/shop"
)

// An order's items are written once, with it, and read with it: they stand in its row, as JSON. The longest list of
// shop.ItemsMax takes half of what MariaDB's column has room for.

type storedItem struct {
	Product  int64  `json:"product"`
	Quantity int64  `json:"quantity"`
	Taken    int64  `json:"taken,omitempty"`
	Amount   int64  `json:"amount,omitempty"`
	Currency string `json:"currency,omitempty"`
}

// itemsText returns items as a row has them; empty for none.
func itemsText(items []shop.Item) string {
	if len(items) == 0 {
		return ""
	}
	stored := make([]storedItem, len(items))
	for i, item := range items {
		stored[i] = storedItem{item.Product, item.Quantity, item.Taken, item.Price.Amount, item.Price.Currency}
	}
	text, _ := json.Marshal(stored) // numbers and short texts: it cannot fail
	return string(text)
}

// errItems is a row whose items this program has not written.
var errItems = errors.New("the order's items (woody_items) cannot be read; mend the row, or end the order")

// parseItems returns the items that itemsText wrote, and errItems where it is another text.
func parseItems(text string) ([]shop.Item, error) {
	if text == "" {
		return nil, nil
	}
	var stored []storedItem
	if err := json.Unmarshal([]byte(text), &stored); err != nil {
		return nil, fmt.Errorf("%w: %w", errItems, err)
	}
	items := make([]shop.Item, len(stored))
	for i, item := range stored {
		items[i] = shop.Item{Product: item.Product, Quantity: item.Quantity, Taken: item.Taken,
			Price: shop.Price{Amount: item.Amount, Currency: item.Currency}}
	}
	return items, nil
}

// returnItems gives back to the stock what ended orders have taken, product by product in the order in which stock is
// taken. A product that has been deleted, or is counted no more, gets nothing. It returns what that changes.
func returnItems(ctx context.Context, tx *sql.Tx, items []shop.Item) (tags []string, err error) {
	taken := map[int64]int64{}
	for _, item := range items {
		if item.Taken > 0 {
			taken[item.Product] += item.Taken
		}
	}
	for _, id := range slices.Sorted(maps.Keys(taken)) {
		_, err := tx.ExecContext(ctx, "UPDATE product SET woody_stock = woody_stock + ?, version = version + 1 "+
			"WHERE id = ? AND woody_stock IS NOT NULL", taken[id], id)
		if err != nil {
			return nil, err
		}
		tags = append(tags, shop.SoldTags(id)...)
	}
	return tags, nil
}

// lockProducts returns products by their ids, their rows locked until the transaction ends; those that are not there
// are missing. The rows are locked in the order of ids, so that transactions never wait for each other in a ring.
func (s *Store) lockProducts(ctx context.Context, tx *sql.Tx, ids []int64) (map[int64]*shop.Product, error) {
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	query := "SELECT " + productColumns + " FROM product WHERE id IN (" + marks(len(ids), "?") + ") ORDER BY id"
	if s.skipLocked != "" { // SQLite's one writer needs no lock
		query += " FOR UPDATE"
	}
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	products := map[int64]*shop.Product{}
	for rows.Next() {
		var p shop.Product
		if err := scanProduct(rows.Scan, &p); err != nil {
			return nil, err
		}
		products[p.ID] = &p
	}
	return products, rows.Err()
}

// marks returns n times a statement's mark, with commas between.
func marks(n int, mark string) string { return strings.Repeat(", "+mark, n)[2:] }

// idsOf returns the products of orders, each once, from the lowest id.
func idsOf(orders ...[]shop.Item) []int64 {
	var ids []int64
	for _, items := range orders {
		for _, item := range items {
			ids = append(ids, item.Product)
		}
	}
	slices.SortFunc(ids, cmp.Compare[int64])
	return slices.Compact(ids)
}
