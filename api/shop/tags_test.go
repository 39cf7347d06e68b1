package shop

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestAChangedPageIsAlwaysTagged writes at random and looks at pages at random: whenever a write
// changes what a page shows, the write names a tag that the page has.
func TestAChangedPageIsAlwaysTagged(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var list []Product // newest first
	next := int64(1)
	for range 20_000 {
		before := int64(0)
		if random.IntN(3) > 0 {
			before = 1 + random.Int64N(next+500)
		}
		limit := 1 + random.IntN(100)
		page := pageOf(list, before, limit+1)
		tags := PageTags(before, limit, page)

		var named []string
		switch i := random.IntN(max(len(list), 1)); {
		case len(list) == 0 || random.IntN(2) == 0:
			next += random.Int64N(20) // ids have gaps, and may come late
			id := next
			if late := next - random.Int64N(5); late > 0 &&
				!slices.ContainsFunc(list, func(p Product) bool { return p.ID == late }) {
				id = late
			}
			next++
			list = append(list, Product{ID: id, Version: 1})
			slices.SortFunc(list, func(a, b Product) int { return int(b.ID - a.ID) })
			named = AddedTags(id)
		case random.IntN(2) == 0:
			named = ChangedTags(list[i].ID)
			list = slices.Delete(list, i, i+1)
		case random.IntN(2) == 0:
			list[i].Version++
			named = ChangedTags(list[i].ID)
		default:
			list[i].Version++
			named = SoldTags(list[i].ID)
		}
		after := pageOf(list, before, limit+1)
		if len(page) > limit && len(after) > limit {
			page, after = page[:limit], after[:limit] // of the one behind a page only its being there shows
		}
		shared := slices.ContainsFunc(tags, func(tag string) bool { return slices.Contains(named, tag) })
		if !slices.Equal(page, after) && !shared {
			t.Fatalf("the page before %d of %d changed from %v to %v; its tags %v, the write's %v",
				before, limit, page, after, tags, named)
		}
	}
}

func pageOf(list []Product, before int64, limit int) (page []Product) {
	for _, p := range list { // copies: the list changes afterwards
		if before > 0 && p.ID >= before {
			continue
		}
		if len(page) == limit {
			return page
		}
		page = append(page, p)
	}
	return page
}

// TestANewProductChangesTheHeadOnly counts the pages of a long list that an insert invalidates.
func TestANewProductChangesTheHeadOnly(t *testing.T) {
	var list []Product
	for id := int64(10_000); id > 0; id-- {
		list = append(list, Product{ID: id, Version: 1})
	}
	named := AddedTags(10_001)
	hit := 0
	for before := int64(0); ; {
		page := pageOf(list, before, 20+1)
		if slices.ContainsFunc(PageTags(before, 20, page),
			func(tag string) bool { return slices.Contains(named, tag) }) {
			hit++
		}
		if len(page) <= 20 {
			break
		}
		before = page[20-1].ID
	}
	if hit != 1 {
		t.Errorf("a new product invalidates %d of 500 pages, want the head alone", hit)
	}
}

// TestASaleLeavesTheCount checks that the newest product and the count are invalidated by that product's sales alone,
// not by those of others.
func TestASaleLeavesTheCount(t *testing.T) {
	shares := func(a, b []string) bool {
		return slices.ContainsFunc(a, func(tag string) bool { return slices.Contains(b, tag) })
	}
	last := LastTags(Last{Count: 7, Product: &Product{ID: 7}})
	if shares(last, SoldTags(6)) || !shares(last, SoldTags(7)) {
		t.Errorf("the newest product's tags %v, those of sales %v and %v", last, SoldTags(6), SoldTags(7))
	}
	if !shares(last, AddedTags(8)) || !shares(last, ChangedTags(6)) || !shares(LastTags(Last{}), AddedTags(1)) {
		t.Error("what changes the count leaves it")
	}
}
