package shop

import (
	"strconv"
	"strings"
)

// Tags name what a response is made from, so that a write can name those that it makes stale.

// AllProducts is the tag of what depends on every product: each write to any of them changes it.
const AllProducts = "products"

// widePages is the tag of pages that are tagged AllProducts, of what a sale changes too.
const widePages = "products:wide"

// NewestProducts is the tag of what a new product changes: the head of the list.
const NewestProducts = "products:newest"

// ProductTag returns the tag of one product, there or not.
func ProductTag(id int64) string { return "product:" + strconv.FormatInt(id, 10) }

// rangeSize is how many ids share a range tag.
const rangeSize = 64

// maxRanges is how many range tags stand for a page; one that spans more takes AllProducts and widePages.
const maxRanges = 8

func rangeTag(number int64) string { return "products:range:" + strconv.FormatInt(number, 10) }

// PageTags returns the tags of a page of up to limit products: what would change it is a write to a
// product whose id lies in its reach. That goes from below the page's before (zero: from the newest,
// including those to come) down to the first product behind it, which shows that there is a next
// page; or to the end of the list. found are the page's products and, if there is one, that one.
func PageTags(before int64, limit int, found []Product) []string {
	var low, high int64
	if len(found) > limit {
		low = found[limit].ID
	}
	var tags []string
	if before > 0 {
		high = before - 1
	} else {
		tags = append(tags, NewestProducts)
		if len(found) > 0 {
			high = found[0].ID
		}
	}
	if high/rangeSize-low/rangeSize >= maxRanges {
		return []string{AllProducts, widePages}
	}
	for number := low / rangeSize; number <= high/rangeSize; number++ {
		tags = append(tags, rangeTag(number))
	}
	return tags
}

// OrderTag returns the tag of one order, there or not, by the id of its row. An order that is not there has the id that
// CleanOrderID makes of what was asked for: one that comes to be there has it too.
func OrderTag(id string) string { return "order:" + strings.ToLower(id) }

// SessionTag returns the tag of one session, there or not.
func SessionTag(id string) string { return "session:" + id }

// AccountTag returns the tag of one account: of all that its sessions may do.
func AccountTag(id string) string { return "account:" + id }

// AddedTags returns what a new product changes.
func AddedTags(id int64) []string { return append(ChangedTags(id), NewestProducts) }

// ChangedTags returns what a renamed or deleted product changes.
func ChangedTags(id int64) []string {
	return []string{ProductTag(id), AllProducts, rangeTag(id / rangeSize)}
}

// SoldTags returns what a change of a product's stock alone changes: the product wherever it is shown, but not how many
// products there are. LastTags has what shows the newest one.
func SoldTags(id int64) []string {
	return []string{ProductTag(id), rangeTag(id / rangeSize), widePages}
}

// LastTags returns the tags of the newest product and the count. A sale of another product leaves them.
func LastTags(last Last) []string {
	if last.Product == nil {
		return []string{AllProducts}
	}
	return []string{AllProducts, ProductTag(last.Product.ID)}
}
