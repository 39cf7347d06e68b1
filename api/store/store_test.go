package store_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/api/store"
)

// TestContract checks that each database keeps the promises of shop.Store.
func TestContract(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		s := mustOpen(t, cfg)
		t.Run("first toys", func(t *testing.T) { testFirstToys(t, s) })
		t.Run("products", func(t *testing.T) { testProducts(t, s) })
		t.Run("names come back unharmed", func(t *testing.T) { testNames(t, s) })
		t.Run("names are compared exactly", func(t *testing.T) { testExactNames(t, cfg, s) })
		t.Run("versions", func(t *testing.T) { testVersions(t, s) })
		t.Run("conditions", func(t *testing.T) { testConditions(t, s) })
		t.Run("pages are stable", func(t *testing.T) { testPages(t, s) })
		t.Run("orders", func(t *testing.T) { testOrders(t, s) })
		t.Run("idempotency keys", func(t *testing.T) { testKeys(t, s) })
		t.Run("order ids are compared exactly", func(t *testing.T) { testExactIDs(t, cfg, s) })
		t.Run("keys are compared exactly", func(t *testing.T) { testExactKeys(t, s) })
		t.Run("idempotency keys of products", func(t *testing.T) { testProductKeys(t, s) })
		t.Run("claims", func(t *testing.T) { testClaims(t, s) })
		t.Run("probes", func(t *testing.T) { testProbes(t, cfg, s) })
		t.Run("count under concurrent writers", func(t *testing.T) { testCount(t, s) })
	})
}

func testFirstToys(t *testing.T, s *store.Store) {
	toys, err := s.Products(t.Context(), 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	want := []shop.Product{{ID: 2, Name: "Joli train", Version: 1}, {ID: 1, Name: "Yoyo", Version: 1}}
	if !slices.Equal(toys, want) {
		t.Errorf("products = %v, want %v", toys, want)
	}
}

func testProducts(t *testing.T, s *store.Store) {
	before := mustLast(t, s)
	p, err := s.AddProduct(t.Context(), "Robot")
	if err != nil {
		t.Fatal(err)
	}
	last := mustLast(t, s)
	if last.Count != before.Count+1 || *last.Product != p {
		t.Errorf("last = %d products, %v; want %d, %v", last.Count, *last.Product, before.Count+1, p)
	}
	for name, want := range map[string]bool{"Robot": true, "robot": false, "Rob": false} {
		if has, err := hasProduct(t, s, name); has != want || err != nil {
			t.Errorf("hasProduct(%q) = %v, %v, want %v", name, has, err, want)
		}
	}
	if err := s.DeleteProduct(t.Context(), p.ID, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Product(t.Context(), p.ID); shop.KindOf(err) != shop.NotFound {
		t.Errorf("a deleted product: %v, want NotFound", err)
	}
	if got := mustLast(t, s).Count; got != before.Count {
		t.Errorf("count after deleting = %d, want %d", got, before.Count)
	}
	again, err := s.AddProduct(t.Context(), "Robot")
	if err != nil || again.ID <= p.ID {
		t.Errorf("an id was used again: %d after %d (%v)", again.ID, p.ID, err)
	}
}

// hasProduct reports whether there is a product of a name.
func hasProduct(t *testing.T, s *store.Store, name string) (bool, error) {
	t.Helper()
	p, err := s.ProductNamed(t.Context(), name)
	if shop.KindOf(err) == shop.NotFound && err != nil {
		return false, nil
	}
	return p.Name == name, err
}

func testNames(t *testing.T, s *store.Store) {
	for _, name := range []string{
		"'); DROP TABLE product;--", `\'; SELECT "1`, "<script>alert(1)</script>", "œuf à la coque", "🧸🚂",
		strings.Repeat("🚂", shop.NameMax), "nul\x00inside", "line\nbreak", "%s %_ ?",
	} {
		added, err := s.AddProduct(t.Context(), name)
		if err != nil {
			t.Errorf("add %q: %v", name, err)
			continue
		}
		got, err := s.Product(t.Context(), added.ID)
		if err != nil || got.Name != name {
			t.Errorf("stored %q, came back as %q (%v)", name, got.Name, err)
		}
	}
}

func testVersions(t *testing.T, s *store.Store) {
	p := mustAdd(t, s, "Yoyo")
	renamed, err := s.RenameProduct(t.Context(), p.ID, "Yoyo rouge", onlyVersion(1))
	if want := (shop.Product{ID: p.ID, Name: "Yoyo rouge", Version: 2}); renamed != want || err != nil {
		t.Errorf("rename = %v, %v; want %v", renamed, err, want)
	}
	if _, err := s.RenameProduct(t.Context(), p.ID, "late", onlyVersion(1)); shop.KindOf(err) != shop.Changed {
		t.Errorf("rename of an old version = %v, want Changed", err)
	}
	if err := s.DeleteProduct(t.Context(), p.ID, onlyVersion(1)); shop.KindOf(err) != shop.Changed {
		t.Errorf("delete of an old version = %v, want Changed", err)
	}
	if same, err := s.RenameProduct(t.Context(), p.ID, "Yoyo rouge", nil); err != nil || same.Version != 3 {
		t.Errorf("a write of the same name = %v, %v; want version 3", same, err)
	}
	if _, err := s.RenameProduct(t.Context(), 1<<40, "nobody", nil); shop.KindOf(err) != shop.NotFound {
		t.Errorf("rename of nothing = %v, want NotFound", err)
	}
	if _, err := s.RenameProduct(t.Context(), 1<<40, "nobody", onlyVersion(1)); shop.KindOf(err) != shop.Changed {
		t.Errorf("rename of nothing that is to be something = %v, want Changed", err)
	}
}

// onlyVersion allows a write to that version alone.
func onlyVersion(version int64) shop.Condition {
	return func(current *shop.Product) error {
		if current == nil || current.Version != version {
			return &shop.Error{Kind: shop.Changed}
		}
		return nil
	}
}

// testConditions writes to a product many times at once on the same condition, and checks that it holds for one alone.
// A condition is checked on the product as it is.
func testConditions(t *testing.T, s *store.Store) {
	p := mustAdd(t, s, "Yoyo")
	var group sync.WaitGroup
	var done atomic.Int64
	for i := range 8 {
		group.Go(func() {
			var seen shop.Product
			name := fmt.Sprint("Yoyo ", i)
			renamed, err := s.RenameProduct(context.Background(), p.ID, name, func(current *shop.Product) error {
				seen = *current
				return onlyVersion(1)(current)
			})
			switch {
			case err == nil:
				done.Add(1)
				if want := (shop.Product{ID: p.ID, Name: name, Version: 2}); seen != p || renamed != want {
					t.Errorf("allowed on %v, renamed to %v, want %v and %v", seen, renamed, p, want)
				}
			case shop.KindOf(err) != shop.Changed || seen.Version != 2 || seen.Name == "Yoyo":
				t.Errorf("refused with %v on %v", err, seen)
			}
		})
	}
	group.Wait()
	if n := done.Load(); n != 1 {
		t.Errorf("%d writes on the condition of version 1 went through, want 1", n)
	}
}

func testPages(t *testing.T, s *store.Store) {
	var want []int64
	for i := range 25 {
		want = append(want, mustAdd(t, s, fmt.Sprint("toy ", i)).ID)
	}
	slices.Reverse(want)
	var got []int64
	for before := int64(0); len(got) < len(want); {
		page, err := s.Products(t.Context(), before, 4)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page {
			got = append(got, p.ID)
		}
		before = page[len(page)-1].ID
		mustAdd(t, s, "came meanwhile")
	}
	if got = got[:len(want)]; !slices.Equal(got, want) {
		t.Errorf("walked %v, want %v", got, want)
	}
	if page, err := s.Products(t.Context(), 1, 10); len(page) != 0 || err != nil {
		t.Errorf("past the end: %v, %v; want an empty page", page, err)
	}
}

func testOrders(t *testing.T, s *store.Store) {
	placed := mustOrder(t, s, "Yoyo")
	got, err := s.Order(t.Context(), placed.ID)
	if !reflect.DeepEqual(got, placed) || err != nil {
		t.Errorf("order = %v, %v; want %v", got, err, placed)
	}
	if _, err := s.Order(t.Context(), uuid.NewString()); shop.KindOf(err) != shop.NotFound {
		t.Errorf("unknown order = %v, want NotFound", err)
	}
}

func testKeys(t *testing.T, s *store.Store) {
	key := uuid.NewString()
	const callers = 8
	var ids [callers]string
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() {
			o, err := s.AddOrder(context.Background(), newOrder("Yoyo"), key)
			if err != nil {
				t.Error(err)
			}
			ids[i] = o.ID
		})
	}
	group.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("one key made several orders: %v", ids)
		}
	}
	if o, err := s.OrderByKey(t.Context(), key); o.ID != ids[0] || err != nil {
		t.Errorf("OrderByKey = %v, %v; want %v", o, err, ids[0])
	}
	if _, err := s.OrderByKey(t.Context(), "never used"); shop.KindOf(err) != shop.NotFound {
		t.Errorf("a new key = %v, want NotFound", err)
	}
	if err := s.Upkeep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.OrderByKey(t.Context(), key); err != nil {
		t.Errorf("upkeep forgot a key of today: %v", err)
	}
}

func testClaims(t *testing.T, s *store.Store) {
	mustDrain(t, s)
	first, second := mustOrder(t, s, "Yoyo"), mustOrder(t, s, "Yoyo")
	claim := mustClaim(t, s, 1, time.Hour)
	if claim.OrderID != first.ID {
		t.Errorf("claimed %s, want the oldest, %s", claim.OrderID, first.ID)
	}
	if other := mustClaim(t, s, 1, time.Hour); other.OrderID != second.ID {
		t.Errorf("the second claim took %s, want %s", other.OrderID, second.ID)
	}
	if none, err := s.ClaimOrders(t.Context(), 1, time.Hour); len(none) != 0 || err != nil {
		t.Errorf("claims with all taken = %v, %v; want none", none, err)
	}
	if err := s.ReleaseOrder(t.Context(), claim); err != nil {
		t.Fatal(err)
	}
	again := mustClaim(t, s, 1, -time.Second) // lapses at once
	if done, err := s.FinishOrder(t.Context(), claim, shop.Failed); done || err != nil {
		t.Errorf("a released claim ended the order: %v, %v", done, err)
	}
	last := mustClaim(t, s, 1, time.Hour)
	if last.OrderID != first.ID {
		t.Errorf("a lapsed claim's order was not taken over: %v", last)
	}
	if done, err := s.FinishOrder(t.Context(), again, shop.Failed); done || err != nil {
		t.Errorf("a lapsed claim that another took ended the order: %v, %v", done, err)
	}
	if done, err := s.FinishOrder(t.Context(), last, shop.Success); !done || err != nil {
		t.Errorf("finish = %v, %v; want true", done, err)
	}
	if done, err := s.FinishOrder(t.Context(), last, shop.Failed); done || err != nil {
		t.Errorf("an ended order was ended again: %v, %v", done, err)
	}
	want := shop.Order{ID: first.ID, Product: "Yoyo", Status: shop.Success, Version: 2}
	if got, err := s.Order(t.Context(), first.ID); !reflect.DeepEqual(got, want) || err != nil {
		t.Errorf("order = %v, %v; want %v", got, err, want)
	}
	await(t, func() bool { // SQLite's clock ticks in milliseconds: the order may have no age yet
		backlog, err := s.Backlog(t.Context())
		if backlog.Pending != 1 || err != nil {
			t.Fatalf("backlog = %+v, %v; want one pending order", backlog, err)
		}
		return backlog.Oldest > 0
	})
}

func testCount(t *testing.T, s *store.Store) {
	before := mustLast(t, s).Count
	const writers, each = 16, 20
	var group sync.WaitGroup
	for range writers {
		group.Go(func() {
			for range each {
				p, err := s.AddProduct(context.Background(), "counted")
				if err != nil {
					t.Error(err)
					return
				}
				if p.ID%4 == 0 {
					err = s.DeleteProduct(context.Background(), p.ID, nil)
				}
				if err = errors.Join(err, s.Upkeep(context.Background())); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	var scanned int64
	for before := int64(0); ; {
		page, err := s.Products(t.Context(), before, 100)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		scanned += int64(len(page))
		before = page[len(page)-1].ID
	}
	if got := mustLast(t, s).Count; got != scanned || got <= before {
		t.Errorf("count = %d, want the %d that are there (%d before)", got, scanned, before)
	}
}

func mustLast(t *testing.T, s *store.Store) shop.Last {
	t.Helper()
	last, err := s.Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return last
}

func mustAdd(t *testing.T, s *store.Store, name string) shop.Product {
	t.Helper()
	p, err := s.AddProduct(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func newOrder(product string) shop.Order {
	return shop.Order{ID: uuid.NewString(), Product: product, Status: shop.Pending, Version: 1}
}

func mustOrder(t *testing.T, s *store.Store, product string) shop.Order {
	t.Helper()
	o, err := s.AddOrder(t.Context(), newOrder(product), "")
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func mustClaim(t *testing.T, s *store.Store, n int, lease time.Duration) shop.Claim {
	t.Helper()
	claims, err := s.ClaimOrders(t.Context(), n, lease)
	if err != nil || len(claims) != n {
		t.Fatalf("claims = %v, %v; want %d", claims, err, n)
	}
	return claims[0]
}

// mustDrain ends every order that other tests left pending.
func mustDrain(t *testing.T, s *store.Store) {
	t.Helper()
	for {
		claims, err := s.ClaimOrders(t.Context(), 100, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if len(claims) == 0 {
			return
		}
		for _, claim := range claims {
			if _, err := s.FinishOrder(t.Context(), claim, shop.Success); err != nil {
				t.Fatal(err)
			}
		}
	}
}
