package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/api/shop"
)

// mustSell adds a product of which some are left, and returns its address.
func mustSell(s *testShop, left int) (where string, id int64) {
	s.t.Helper()
	made := s.post("/api/products",
		fmt.Sprintf(`{"name":"Robot","stock":%d,"price":{"amount":1999,"currency":"EUR"}}`, left))
	made.wantStatus(s.t, 201)
	var p shop.Product
	if err := json.Unmarshal([]byte(made.body), &p); err != nil {
		s.t.Fatal(err)
	}
	return made.header.Get("Location"), p.ID
}

// TestTermsOnBothFaces shows a product's stock and price wherever it is shown, and nothing of them where it has none.
func TestTermsOnBothFaces(t *testing.T) {
	s := mustServe(t)
	where, _ := mustSell(s, 12)
	const inJSON = `{"id":3,"name":"Robot","version":1,"stock":12,"price":{"amount":1999,"currency":"EUR"}}`
	const inText = "Robot (stock=12, price=19.99 EUR)"
	s.get(where).want(t, 200, inText)
	s.get(where, "Accept: application/json").want(t, 200, inJSON)
	s.get("/api/products", "Accept: text/plain").want(t, 200, "3 "+inText+"\n2 Joli train\n1 Yoyo\n")
	s.get("/api/products?limit=1").want(t, 200, `{"products":[`+inJSON+`],"next":"/api/products?after=3&limit=1"}`)
	got := s.get("/api/products/last", "Accept: application/json").body
	if !strings.HasSuffix(got, `"last":`+inJSON+"}") {
		t.Errorf("last = %s", got)
	}
	if got := s.get("/api/products/last").body; !strings.HasSuffix(got, "(last=Robot)") {
		t.Errorf("last = %s", got)
	}
	s.post("/api/orders", `{"product":"Robot"}`).wantStatus(t, 202)
	for _, path := range []string{where, "/api/products/last", "/api/products", "/api/products?limit=1"} {
		if got := s.get(path, "Accept: application/json").body; !strings.Contains(got, `"version":2,"stock":11`) {
			t.Errorf("after a sale %s is %s", path, got)
		}
	}
	s.get("/api/products?product=Duck&stock=3&price=5&currency=JPY").want(t, 200, "Duck (stock=3, price=5 JPY)")
	s.get("/api/products?product=Duck&stock=0").want(t, 200, "Duck (stock=0)")
	for _, query := range []string{"stock=-1", "stock=x", "stock=", "stock=1e3", "stock=1000000001",
		"stock=9999999999999999999", "price=1", "currency=EUR", "price=-1&currency=EUR",
		"price=1&currency=eur", "price=1&currency=EURO",
		"price=100000000001&currency=EUR"} {
		s.get("/api/products?product=Duck&"+query).wantStatus(t, 400)
	}
}

// TestWrongTermsAreRefused sends bodies that are no product, change or order: huge, negative, of another type, twice.
func TestWrongTermsAreRefused(t *testing.T) {
	s := mustServe(t)
	where, id := mustSell(s, 12)
	for _, terms := range []string{
		`"stock":-1`, `"stock":1.5`, `"stock":"1"`, `"stock":1000000001`, `"stock":1e30`, `"stock":9223372036854775808`,
		`"stock":true`, `"stock":1,"stock":1`, `"Stock":1`, `"price":1`, `"price":{}`, `"price":{"amount":1}`,
		`"price":{"amount":0,"currency":""}`, `"price":{"amount":-1,"currency":"EUR"}`,
		`"price":{"amount":1,"currency":"€€€"}`,
		`"price":{"amount":1,"currency":"EUR","x":1}`, `"price":{"amount":100000000001,"currency":"EUR"}`,
		`"price":{"amount":null,"currency":"EUR"}`, `"more":1`,
	} {
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch} {
			at := where
			if method == http.MethodPost {
				at = "/api/products"
			}
			got := s.call(method, at, `{"name":"Duck",`+terms+`}`, "Content-Type: application/json")
			if got.status != 400 {
				t.Errorf("%s %s = %d %s", method, terms, got.status, got.body)
			}
		}
	}
	one := fmt.Sprintf(`{"product":%d,"quantity":1}`, id)
	for _, order := range []string{
		`{}`, `{"items":null}`, `{"items":[]}`, `{"items":{}}`, `{"product":"Robot","items":[` + one + `]}`,
		`{"items":[` + one + `,` + one + `]}`, `{"items":[{"product":1}]}`, `{"items":[{"quantity":1}]}`,
		`{"items":[{"product":0,"quantity":1}]}`, `{"items":[{"product":-1,"quantity":1}]}`,
		`{"items":[{"product":1,"quantity":0}]}`, `{"items":[{"product":1,"quantity":-1}]}`,
		`{"items":[{"product":1,"quantity":1001}]}`, `{"items":[{"product":1,"quantity":9223372036854775807}]}`,
		`{"items":[{"product":1,"quantity":1e30}]}`, `{"items":[{"product":"1","quantity":1}]}`,
		`{"items":[{"product":1,"quantity":1,"price":1}]}`, `{"items":[` + manyItems(21) + `]}`, `{"product":null}`,
	} {
		if got := s.post("/api/orders", order); got.status != 400 {
			t.Errorf("%s = %d %s", order, got.status, got.body)
		}
	}
	s.get(where).want(t, 200, "Robot (stock=12, price=19.99 EUR)")
	s.call(http.MethodPatch, where, `{"stock":1}`, "Content-Type: text/plain").wantStatus(t, 415)
	s.call(http.MethodPatch, where, `{}`, "Content-Type: application/json").wantStatus(t, 400)
	s.call(http.MethodPatch, where, `{"name":null}`, "Content-Type: application/json").wantStatus(t, 400)
	s.call(http.MethodPatch, "/api/products/99", `{"stock":1}`, "Content-Type: application/json").wantStatus(t, 404)
}

func manyItems(n int) string {
	var items []string
	for i := range n {
		items = append(items, fmt.Sprintf(`{"product":%d,"quantity":1}`, i+1))
	}
	return strings.Join(items, ",")
}

// TestChangesOfTerms sets some and leaves others, and holds conditions.
func TestChangesOfTerms(t *testing.T) {
	s := mustServe(t)
	where, _ := mustSell(s, 12)
	patch := func(body string, headers ...string) reply {
		return s.call(http.MethodPatch, where, body, append(headers, "Content-Type: application/merge-patch+json")...)
	}
	first := patch(`{"stock":5}`)
	first.want(t, 200, `{"id":3,"name":"Robot","version":2,"stock":5,"price":{"amount":1999,"currency":"EUR"}}`)
	patch(`{"stock":7}`, `If-Match: "other"`).wantStatus(t, 412)
	s.post("/api/orders", `{"items":[{"product":3,"quantity":1}]}`).wantStatus(t, 202)
	patch(`{"stock":7}`, "If-Match: "+first.header.Get("ETag")).wantStatus(t, 412) // one was ordered since
	patch(`{"price":null}`).want(t, 200, `{"id":3,"name":"Robot","version":4,"stock":4}`)
	s.call(http.MethodPut, where, `{"name":"Robo"}`, "Content-Type: application/json").
		want(t, 200, `{"id":3,"name":"Robo","version":5,"stock":4}`)
	patch(`{"stock":null,"name":"Robot"}`).want(t, 200, `{"id":3,"name":"Robot","version":6}`)
	s.get(where).want(t, 200, "Robot")
}

// TestOrdersOfItems places orders, has one refused in words and in JSON, and cancels.
func TestOrdersOfItems(t *testing.T) {
	s := mustServeShop(t, shop.Config{HeavyDelay: time.Hour}) // nobody validates
	where, id := mustSell(s, 3)
	made := s.post("/api/orders", fmt.Sprintf(`{"items":[{"product":%d,"quantity":2},{"product":1,"quantity":1}]}`, id),
		"Idempotency-Key: k")
	made.wantStatus(t, 202)
	var order shop.Order
	if err := json.Unmarshal([]byte(made.body), &order); err != nil || order.ID == "" {
		t.Fatal(made.body, err)
	}
	made.want(t, 202, `{"order_id":"`+order.ID+`","product":"Yoyo","status":"Pending","version":1,"items":[`+
		`{"product":1,"quantity":1},{"product":3,"quantity":2,"price":{"amount":1999,"currency":"EUR"}}]}`)
	s.get("/api/orders/"+order.ID, "Accept: application/json").want(t, 200, made.body)
	s.get(where).want(t, 200, "Robot (stock=1, price=19.99 EUR)")

	two := fmt.Sprintf(`{"items":[{"product":%d,"quantity":2}]}`, id)
	const few = "Too few of product 3 are left: 1, and 2 were ordered."
	s.post("/api/orders", two).want(t, 409, `{"type":"/api/docs#too-few","title":"Too few left","status":409,`+
		`"detail":"`+few+`","left":[{"product":3,"left":1,"wanted":2}]}`)
	s.post("/api/orders", two, "Accept: text/plain").want(t, 409, few)
	single := s.post("/api/orders", `{"product":"Robot"}`)
	single.wantStatus(t, 202)
	if !strings.HasSuffix(single.body, `"total":{"amount":1999,"currency":"EUR"}}`) {
		t.Errorf("ordered by its name: %s", single.body)
	}
	for range 2 { // the second is refused by what caches know
		s.post("/api/orders", two).want(t, 409, `{"type":"/api/docs#sold-out","title":"Sold out","status":409,`+
			`"detail":"Product 3 is sold out.","left":[{"product":3,"left":0,"wanted":2}]}`)
		s.get("/api/orders/do?order=Robot").want(t, 409, "Product 3 is sold out.")
	}
	again := s.post("/api/orders",
		fmt.Sprintf(`{"items":[{"product":1,"quantity":1},{"product":%d,"quantity":2}]}`, id), "Idempotency-Key: k")
	again.want(t, 202, made.body)
	s.post("/api/orders", two, "Idempotency-Key: k").wantStatus(t, 422)
	s.post("/api/orders", `{"product":"Robot"}`, "Idempotency-Key: k").wantStatus(t, 422)

	cancel := "/api/orders/" + strings.ToUpper(order.ID) + "/cancel"
	for range 2 {
		got := s.call(http.MethodPost, cancel, "")
		got.wantStatus(t, 200)
		if !strings.Contains(got.body, `"status":"Cancelled","version":2`) {
			t.Errorf("cancelled: %s", got.body)
		}
		s.get(where).want(t, 200, "Robot (stock=2, price=19.99 EUR)")
	}
	s.call(http.MethodPost, cancel, "", "Accept: text/plain").want(t, 200, `commande "`+order.ID+`": Cancelled`)
	s.get("/api/orders/?order_id="+order.ID).want(t, 200, `commande "`+order.ID+`": Cancelled`)
	s.post("/api/orders", two).wantStatus(t, 202) // what came back is seen at once
	s.call(http.MethodPost, "/api/orders/"+strings.Repeat("0", 8)+order.ID[8:]+"/cancel", "").wantStatus(t, 404)
}

// TestAnEndedOrderIsNotCancelled checks that a cancellation that comes too late is refused with the reason.
func TestAnEndedOrderIsNotCancelled(t *testing.T) {
	s := mustServe(t)
	got := s.call(http.MethodPost, "/api/orders/"+mustEndOrder(s)+"/cancel", "")
	got.want(t, 409, `{"type":"/api/docs#ended","title":"The order has ended","status":409,`+
		`"detail":"The order has ended as Success."}`)
}

// TestSoldOutWithoutTheDatabase takes the database away: an order of what is sold out is refused all the same.
func TestSoldOutWithoutTheDatabase(t *testing.T) {
	s := mustServe(t)
	_, id := mustSell(s, 1)
	body := fmt.Sprintf(`{"items":[{"product":%d,"quantity":1}]}`, id)
	s.post("/api/orders", body).wantStatus(t, 202)
	for range 2 {
		s.post("/api/orders", body).wantStatus(t, 409)
	}
	s.store.Close()
	s.post("/api/orders", body).wantStatus(t, 409)
	if got := s.post("/api/orders", `{"items":[{"product":1,"quantity":1}]}`); got.status < 500 {
		t.Errorf("without a database an order of something else is answered %d", got.status)
	}
}

// TestAKeyOutlastsTheStock sends an order again that has taken the last one, once that is known to be sold out: it gets
// its first answer, and another order none.
func TestAKeyOutlastsTheStock(t *testing.T) {
	s := mustServe(t)
	_, id := mustSell(s, 1)
	body := fmt.Sprintf(`{"items":[{"product":%d,"quantity":1}]}`, id)
	first := s.post("/api/orders", body, "Idempotency-Key: mine")
	first.wantStatus(t, 202)
	s.post("/api/orders", body, "Idempotency-Key: other").wantStatus(t, 409) // from here on it is remembered
	for range 2 {
		again := s.post("/api/orders", body, "Idempotency-Key: mine")
		if again.wantStatus(t, 202); again.body != first.body {
			t.Errorf("a repeated order is answered %s, want the first answer, %s", again.body, first.body)
		}
	}
	s.post("/api/orders", body, "Idempotency-Key: other").wantStatus(t, 409)
}

// TestReadsDuringASale reads a product's stock while orders for it are placed and cancelled. It checks that no read
// shows more than was left when it began, or less than was left when it ended.
func TestReadsDuringASale(t *testing.T) {
	s := mustServeShop(t, shop.Config{HeavyDelay: time.Hour})
	const toys = 400
	where, id := mustSell(s, toys)
	body := fmt.Sprintf(`{"items":[{"product":%d,"quantity":1}]}`, id)
	var begun, bought, returning, returned, reads atomic.Int64
	var buyers, readers sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				most, least := int64(toys)-bought.Load(), int64(toys)+returned.Load()
				var p struct{ Stock int64 }
				if err := json.Unmarshal([]byte(s.get(where, "Accept: application/json").body), &p); err != nil {
					t.Error(err)
				}
				if most += returning.Load(); p.Stock > most {
					t.Errorf("a read shows %d; at most %d were left", p.Stock, most)
				}
				if least -= begun.Load(); p.Stock < least {
					t.Errorf("a read shows %d; at least %d were left", p.Stock, least)
				}
				reads.Add(1)
			}
		})
	}
	for range 8 {
		buyers.Go(func() {
			for i := range 40 {
				begun.Add(1)
				made := s.post("/api/orders", body)
				made.wantStatus(t, 202)
				bought.Add(1)
				if i%3 == 0 {
					returning.Add(1)
					s.call(http.MethodPost, made.header.Get("Location")+"/cancel", "").wantStatus(t, 200)
					returned.Add(1)
				}
			}
		})
	}
	buyers.Wait()
	close(stop)
	readers.Wait()
	t.Logf("%d reads", reads.Load())
}
