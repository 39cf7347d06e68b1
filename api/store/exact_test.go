package store_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/uuid"

	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/api/store"
)

// lookAlikes are names that some collation or other holds to be equal.
var lookAlikes = []string{
	"Spaced", "Spaced ", "Spaced  ", " Spaced", "Spaced\u00a0", "Spaced\t", "Spaced\x00", "spaced", "SPACED", "Späced",
	"Spa\u0308ced",
	"Spaced\u200b", "Spaced\u200d", "Ｓｐａｃｅｄ", "Ѕрасеd", "Spaced\U000E0067", "ß", "ss", "ẞ", "i", "İ", "ı", "I", "é",
	"e\u0301", "K", "\u212a",
	"🧸", "🚂", "æ", "ae", "ſ", "s", "\ufffd", "\U0010ffff", "", " ", "%", "_", "1", "01", "1e0",
}

// testExactNames puts some of the look-alikes into the shop, however they come there, and asks for all of them: what
// is found is what is there, code point for code point.
func testExactNames(t *testing.T, cfg store.Config, s *store.Store) {
	draw := rand.New(rand.NewPCG(1, 2))
	for range 4 {
		there := map[string]int64{}
		for _, name := range lookAlikes {
			if draw.IntN(2) == 0 {
				there[name] = mustAdd(t, s, name).ID
			}
		}
		for _, name := range lookAlikes {
			_, want := there[name]
			if has, err := hasProduct(t, s, name); has != want || err != nil {
				t.Errorf("hasProduct(%q) = %v, %v; want %v", name, has, err, want)
			}
			if sold, err := s.IsSold(t.Context(), shop.Claim{Product: name}); sold != want || err != nil {
				t.Errorf("IsSold(%q) = %v, %v; want %v", name, sold, err, want)
			}
		}
		for name, id := range there {
			if err := s.DeleteProduct(t.Context(), id, nil); err != nil {
				t.Fatalf("%q: %v", name, err)
			}
		}
	}
	mustExec(t, cfg, "INSERT INTO product (name) VALUES ('By SQL ')")
	for name, want := range map[string]bool{"By SQL ": true, "By SQL": false, "by sql ": false} {
		if has, err := hasProduct(t, s, name); has != want || err != nil {
			t.Errorf("hasProduct(%q) = %v, %v; want %v", name, has, err, want)
		}
	}
}

// testExactIDs asks for an order by what only resembles its id.
func testExactIDs(t *testing.T, cfg store.Config, s *store.Store) {
	placed := mustOrder(t, s, "Yoyo")
	for _, id := range []string{placed.ID + " ", " " + placed.ID, placed.ID + "\x00", placed.ID + "😀", "", "😀",
		"{" + placed.ID + "}"} {
		if o, err := s.Order(t.Context(), id); shop.KindOf(err) != shop.NotFound {
			t.Errorf("the order %q = %v, %v; want NotFound", id, o, err)
		}
	}
	upper := "0C7DA1A0-77BD-4DD6-9A0F-B5F0BDF0BA2E"
	mustExec(t, cfg, "INSERT INTO `order` (order_id, status, product) VALUES ('"+upper+"', 'Success', 'Yoyo')")
	if o, err := s.Order(t.Context(), upper); o.ID != upper || err != nil {
		t.Errorf("an order in upper case = %v, %v", o, err)
	}
	if o, err := s.Order(t.Context(), "0c7da1a0-77bd-4dd6-9a0f-b5f0bdf0ba2e"); shop.KindOf(err) != shop.NotFound {
		t.Errorf("the same in lower case = %v, %v; want NotFound", o, err)
	}
}

// testExactKeys uses keys that differ by what a collation may overlook: each is one of its own.
func testExactKeys(t *testing.T, s *store.Store) {
	unique := uuid.NewString()
	made := map[string]string{}
	for _, form := range []string{"k%s", "k%s ", " k%s", "k%s  ", "K%s"} {
		key := fmt.Sprintf(form, unique)
		o, err := s.AddOrder(t.Context(), newOrder("Yoyo"), key)
		if err != nil {
			t.Fatal(err)
		}
		if other, used := made[o.ID]; used {
			t.Errorf("the key %q answers the order of %q", key, other)
		}
		made[o.ID] = key
		if again, err := s.AddOrder(t.Context(), newOrder("Yoyo"), key); again.ID != o.ID || err != nil {
			t.Errorf("the key %q made %s, and then %v, %v", key, o.ID, again, err)
		}
	}
}
