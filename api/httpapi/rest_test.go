package httpapi_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/api/httpapi"
	"github.com/woodytoys/woodytoys/api/shop"
)

func TestRestProducts(t *testing.T) {
	s := mustServe(t)
	made := s.post("/api/products", `{"name":"  Robot  "}`)
	made.want(t, 201, `{"id":3,"name":"Robot","version":1}`)
	where := made.header.Get("Location")
	if where != "/api/products/3" {
		t.Errorf("Location = %q", where)
	}
	s.get(where, "Accept: application/json").want(t, 200, `{"id":3,"name":"Robot","version":1}`)
	s.get("/api/products?limit=2").want(t, 200,
		`{"products":[{"id":3,"name":"Robot","version":1},{"id":2,"name":"Joli train","version":1}],`+
			`"next":"/api/products?after=2&limit=2"}`)
	s.get("/api/products?after=2&limit=2").want(t, 200, `{"products":[{"id":1,"name":"Yoyo","version":1}]}`)
	s.get("/api/products", "Accept: text/plain").want(t, 200, "3 Robot\n2 Joli train\n1 Yoyo\n")

	put := s.call(http.MethodPut, where, `{"name":"Robot rouge"}`, "Content-Type: application/json",
		"If-Match: "+made.header.Get("ETag"))
	put.want(t, 200, `{"id":3,"name":"Robot rouge","version":2}`)
	if tag := put.header.Get("ETag"); !strings.HasPrefix(tag, `"v2-`) {
		t.Errorf("ETag = %s, want the version in it", tag)
	}
	s.call(http.MethodPut, where, `{"name":"late"}`, "Content-Type: application/json",
		"If-Match: "+made.header.Get("ETag")).wantStatus(t, 412)
	s.call(http.MethodDelete, where, "", `If-Match: "v1-0"`).wantStatus(t, 412)
	s.call(http.MethodDelete, where, "").want(t, 204, "")
	s.call(http.MethodDelete, where, "").wantStatus(t, 404)
	s.get("/api/products/last", "Accept: application/json").wantStatus(t, 200)
}

// TestWalkingTheListByItsLinks follows `next` to the end.
func TestWalkingTheListByItsLinks(t *testing.T) {
	s := mustServe(t)
	for i := range 20 {
		s.get(fmt.Sprintf("/api/products?product=toy%d", i))
	}
	seen := map[int64]bool{}
	for next := "/api/products?limit=4"; next != ""; {
		var page struct {
			Products []struct{ ID int64 }
			Next     string
		}
		got := s.get(next)
		if err := json.Unmarshal([]byte(got.body), &page); err != nil {
			t.Fatal(err)
		}
		if link := got.header.Get("Link"); page.Next != "" && link != "<"+page.Next+`>; rel="next"` {
			t.Errorf("Link = %q beside next = %q", link, page.Next)
		}
		for _, product := range page.Products {
			seen[product.ID] = true
		}
		next = page.Next
	}
	if len(seen) != 22 {
		t.Errorf("walked over %d products, want 22", len(seen))
	}
}

func TestRestOrders(t *testing.T) {
	s := mustServe(t)
	made := s.post("/api/orders", `{"product":"Yoyo"}`)
	made.wantStatus(t, 202)
	var order struct {
		OrderID, Product, Status string
		ID                       string `json:"order_id"`
	}
	if err := json.Unmarshal([]byte(made.body), &order); err != nil || order.Status != "Pending" {
		t.Fatalf("made %q, %v; want a pending order", made.body, err)
	}
	if where := made.header.Get("Location"); where != "/api/orders/"+order.ID {
		t.Errorf("Location = %q, order %s", where, order.ID)
	}
	s.get("/api/orders/"+strings.ToUpper(order.ID)).wantStatus(t, 200)
	s.post("/api/orders", `{"product":"Nothing"}`).wantStatus(t, 404)
	s.get("/api/orders/00000000-0000-0000-0000-000000000000").wantStatus(t, 404)
}

// TestAProductHasOneSpelling sends a product's id in spellings that are none, which change nothing, and slashes behind
// it, which are the same request to the cache too.
func TestAProductHasOneSpelling(t *testing.T) {
	s := mustServe(t)
	for _, none := range []string{
		"01", "+1", "-01", "%2B1", "%31", "0000000000000000001", strings.Repeat("0", 290) + "1",
	} {
		path := "/api/products/" + none
		for range 2 {
			got := s.get(path)
			got.wantStatus(t, 404)
			if got.layer() == hit {
				t.Errorf("the refusal of %s is kept", path)
			}
		}
		s.call(http.MethodPut, path, `{"name":"x"}`, "Content-Type: application/json").wantStatus(t, 404)
		s.call(http.MethodPatch, path, `{"name":"x"}`, "Content-Type: application/json").wantStatus(t, 404)
		s.call(http.MethodDelete, path, "").wantStatus(t, 404)
	}
	for _, path := range []string{"/api/products/1", "/api/products", "/api/products/last"} {
		first := s.get(path)
		for _, slashes := range []string{"/", "///"} {
			got := s.get(path + slashes)
			got.want(t, 200, first.body)
			if got.layer() != hit {
				t.Errorf("%s%s is %q, want %q", path, slashes, got.layer(), hit)
			}
		}
	}
	s.get("/api/products/0").want(t, 404, "There is no product 0.")
	s.get("/api/products/-9223372036854775808").want(t, 404, "There is no product -9223372036854775808.")
}

// TestAnOrderHasOneSpelling asks in both faces for an order as it is, in upper case, which is the same request to the
// cache too, and in forms that are refused before it.
func TestAnOrderHasOneSpelling(t *testing.T) {
	s := mustServe(t)
	const id = "0c7da1a0-77bd-4dd6-9a0f-b5f0bdf0ba2e"
	order := shop.Order{ID: id, Product: "Yoyo", Status: shop.Success, Version: 1}
	if _, err := s.store.AddOrder(t.Context(), order, ""); err != nil {
		t.Fatal(err)
	}
	for _, face := range []string{"/api/orders/?order_id=", "/api/orders/"} {
		first := s.get(face + id)
		first.wantStatus(t, 200)
		for _, other := range []string{strings.ToUpper(id), strings.ToUpper(id[:8]) + id[8:]} {
			got := s.get(face + other)
			got.want(t, 200, first.body)
			if got.layer() != hit {
				t.Errorf("%s%s is %q, want %q", face, other, got.layer(), hit)
			}
		}
		refusal := map[string]int{"/api/orders/?order_id=": 400, "/api/orders/": 404}[face]
		for _, none := range []string{
			id + "%20", "%20" + id, "x", "%7B" + id + "%7D", "urn:uuid:" + id, strings.ReplaceAll(id, "-", ""),
			id + "%F0%9F%98%80", id + "%00",
		} {
			for range 2 {
				got := s.get(face + none)
				got.wantStatus(t, refusal)
				if got.layer() == hit {
					t.Errorf("the refusal of %s%s is kept", face, none)
				}
			}
		}
	}
}

func TestIdempotencyKey(t *testing.T) {
	s := mustServe(t)
	first := s.post("/api/orders", `{"product":"Yoyo"}`, "Idempotency-Key: k1")
	s.call(http.MethodDelete, "/api/products/1", "").wantStatus(t, 204)
	again := s.post("/api/orders", `{ "product": "Yoyo" }`, "Idempotency-Key: k1")
	again.want(t, 202, first.body)
	if first.header.Get("Location") != again.header.Get("Location") {
		t.Error("the same key got another Location")
	}
	s.post("/api/orders", `{"product":"Joli train"}`, "Idempotency-Key: k1").wantStatus(t, 422)
	s.post("/api/orders", `{"product":"Yoyo"}`, "Idempotency-Key: k2").wantStatus(t, 404)
	s.post("/api/orders", `{"product":"Yoyo"}`, "Idempotency-Key: "+strings.Repeat("k", 256)).wantStatus(t, 400)
	s.post("/api/orders", `{"product":"Yoyo"}`, "Idempotency-Key: clé").wantStatus(t, 400)
}

// TestIdempotencyKeyOfAProduct repeats a call whose product has been renamed and deleted since.
func TestIdempotencyKeyOfAProduct(t *testing.T) {
	s := mustServe(t)
	first := s.post("/api/products", `{"name":"Robot"}`, "Idempotency-Key: k1")
	first.want(t, 201, `{"id":3,"name":"Robot","version":1}`)
	where := first.header.Get("Location")
	same := func() {
		t.Helper()
		again := s.post("/api/products", `{ "name": " Robot " }`, "Idempotency-Key: k1")
		again.want(t, 201, first.body)
		if again.header.Get("Location") != where || again.header.Get("ETag") != first.header.Get("ETag") {
			t.Errorf("the same key got another Location or ETag: %v", again.header)
		}
	}
	same()
	s.call(http.MethodPut, where, `{"name":"Robot rouge"}`, "Content-Type: application/json").wantStatus(t, 200)
	same()
	s.call(http.MethodDelete, where, "").wantStatus(t, 204)
	same()
	s.post("/api/products", `{"name":"Train"}`, "Idempotency-Key: k1").wantStatus(t, 422)
	s.post("/api/orders", `{"product":"Yoyo"}`, "Idempotency-Key: k1").wantStatus(t, 202) // keys of orders are apart
	s.post("/api/products", `{"name":"Train"}`, "Idempotency-Key: k2").want(t, 201,
		`{"id":4,"name":"Train","version":1}`)
	s.post("/api/products", `{"name":"Train"}`).want(t, 201, `{"id":5,"name":"Train","version":1}`)
	s.post("/api/products", `{"name":"Train"}`, "Idempotency-Key: "+strings.Repeat("k", 256)).wantStatus(t, 400)
	s.post("/api/products", `{"name":""}`, "Idempotency-Key: k3").wantStatus(t, 400)
}

// TestAKeyThatIsNone sends keys that are malformed or ambiguous: what they ask for is not to be carried out at every
// try.
func TestAKeyThatIsNone(t *testing.T) {
	s := mustServe(t)
	for path, body := range map[string]string{"/api/products": `{"name":"Robot"}`,
		"/api/orders": `{"product":"Yoyo"}`} {
		for _, keys := range [][]string{{""}, {" "}, {"a", "b"}, {"b", "a"}, {"", "a"}, {"a", ""}, {"a", "a"}} {
			var header []string
			for _, key := range keys {
				header = append(header, "Idempotency-Key: "+key)
			}
			s.post(path, body, header...).wantStatus(t, 400)
		}
	}
	if last := s.get("/api/products/last"); !strings.Contains(last.body, " 2 products ") {
		t.Errorf("after refused keys: %s", last.body)
	}
}

// TestALargeBodyIsRefused announces a body and sends none of it: a refusal that meets a body under way may be
// lost with the connection.
func TestALargeBodyIsRefused(t *testing.T) {
	s := mustServe(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /api/products HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n"+
		"Accept: application/json\r\nContent-Length: %d\r\n\r\n", httpapi.BodyLimit+1)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if got := response.Header; response.StatusCode != 413 || got.Get("Content-Type") != "application/problem+json" ||
		got.Get("Cache-Control") != "no-store" {
		t.Errorf("a body above the limit = %s %v, want a problem 413", response.Status, got)
	}
}

// TestRestMistakes checks that each mistake gets problem+json with the right status.
func TestRestMistakes(t *testing.T) {
	s := mustServe(t)
	for _, call := range []struct {
		method, path, body, media string
		want                      int
	}{
		{"POST", "/api/products", `{"name":""}`, "application/json", 400},
		{"POST", "/api/products", `{"name":null}`, "application/json", 400},
		{"POST", "/api/products", `{"name":1}`, "application/json", 400},
		{"POST", "/api/products", `{"nom":"Yoyo"}`, "application/json", 400},
		{"POST", "/api/products", `{"name":"a","name":"b"}`, "application/json", 400},
		{"POST", "/api/products", `{"name":"a","id":9}`, "application/json", 400},
		{"POST", "/api/products", `{"name":"a"} {}`, "application/json", 400},
		{"POST", "/api/products", "{\"name\":\"\xff\"}", "application/json", 400},
		{"POST", "/api/products", `{"name":"\ud800"}`, "application/json", 400},
		{"POST", "/api/products", ``, "application/json", 400},
		{"POST", "/api/products", `name=Yoyo`, "application/x-www-form-urlencoded", 415},
		{"PUT", "/api/products/1", `{}`, "application/json", 400},
		{"PUT", "/api/products/99", `{"name":"a"}`, "application/json", 404},
		{"PUT", "/api/products/last", `{"name":"a"}`, "application/json", 405},
		{"DELETE", "/api/products", ``, "", 405},
		{"GET", "/api/products?limit=0", ``, "", 400},
		{"GET", "/api/products?limit=101", ``, "", 400},
		{"GET", "/api/products?limit=ten", ``, "", 400},
		{"GET", "/api/products?after=-1", ``, "", 400},
		{"GET", "/api/products/99999999999999999999", ``, "", 404},
		{"GET", "/api/products/abc", ``, "", 404},
		{"GET", "/api/nothing", ``, "", 404},
		{"GET", "/nothing", ``, "", 404},
		{"BREW", "/api/ping", ``, "", 501},
	} {
		got := s.call(call.method, call.path, call.body, "Content-Type: "+call.media, "Accept: application/json")
		if got.status != call.want || got.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s %.40q = %d %s %q, want a problem %d", call.method, call.path, call.body,
				got.status, got.header.Get("Content-Type"), got.body, call.want)
		}
		if store := got.header.Get("Cache-Control"); store != "no-store" {
			t.Errorf("%s %s: Cache-Control %q, want no-store", call.method, call.path, store)
		}
		if call.want == 405 && got.header.Get("Allow") == "" {
			t.Errorf("%s %s: no Allow", call.method, call.path)
		}
	}
}
