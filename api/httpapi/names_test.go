package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/api/shop"
)

// TestHarmfulNamesAreRefused checks that every call that takes a name refuses those that could forge, reorder or hide a
// line.
func TestHarmfulNamesAreRefused(t *testing.T) {
	s := mustServe(t)
	for _, name := range []string{"Ours\n9 Forged", "\x1b[2J", "a\tb", "a\x00b", "a\u0085b", "a\u2028b", "\u202egnirts",
		"\u200b", "\u3164"} {
		query := url.QueryEscape(name)
		body := func(member string) string {
			encoded, err := json.Marshal(map[string]string{member: name})
			if err != nil {
				t.Fatal(err)
			}
			return string(encoded)
		}
		for call, got := range map[string]reply{
			"GET product":  s.get("/api/products?product=" + query),
			"POST product": s.post("/api/products", body("name")),
			"PUT product":  s.call(http.MethodPut, "/api/products/1", body("name"), "Content-Type: application/json"),
			"GET order":    s.get("/api/orders/do?order=" + query),
			"POST order":   s.post("/api/orders", body("product")),
			"heavy":        s.get("/api/misc/heavy?name=" + query),
		} {
			if got.status != 400 || strings.Contains(got.body, name) {
				t.Errorf("%s of %q = %d %q, want 400 and a sentence without the name", call, name, got.status, got.body)
			}
		}
	}
}

// TestOldNamesForgeNoLine puts harmful names into the database past the API, as the lab's program could: text answers
// keep each in its line, JSON has them as they are.
func TestOldNamesForgeNoLine(t *testing.T) {
	s := mustServe(t)
	const name, shown = "Ours\n9 Forged)\r\x1b[2J\u2028\u202e", `Ours\n9 Forged)\r\x1b[2J\u2028\u202e`
	old, err := s.store.AddProduct(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	where := fmt.Sprint("/api/products/", old.ID)
	s.get(where).want(t, 200, shown)
	s.get("/api/products", "Accept: text/plain").want(t, 200, "3 "+shown+"\n2 Joli train\n1 Yoyo\n")
	if got := s.get("/api/products/last").body; !strings.HasSuffix(got, " - 3 products (last="+shown+")") {
		t.Errorf("last = %q", got)
	}
	var inJSON shop.Product
	if err := json.Unmarshal([]byte(s.get(where, "Accept: application/json").body), &inJSON); err != nil ||
		inJSON != old {
		t.Errorf("in JSON it is %q, %v; want it as it is", inJSON.Name, err)
	}
	order := shop.Order{ID: "0c7da1a0-77bd-4dd6-9a0f-b5f0bdf0ba2e", Product: name,
		Status: "Pending\nSuccess", Version: 1}
	if _, err := s.store.AddOrder(t.Context(), order, ""); err != nil {
		t.Fatal(err)
	}
	s.get("/api/orders/?order_id="+order.ID).want(t, 200, `commande "`+order.ID+`": Pending\nSuccess`)
}
