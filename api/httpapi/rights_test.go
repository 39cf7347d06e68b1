package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestNoWayAround sends writes without a valid token, spelled in ways that might slip past the check, and checks that
// none is carried out.
func TestNoWayAround(t *testing.T) {
	s := mustServeAccounts(t)
	before := len(mustList(t, s.testShop))
	for _, row := range []struct {
		method, target string
		fields         []string
	}{
		{"GET", "/api/products/?product=x", nil}, {"GET", "/api/products//?product=x", nil},
		{"GET", "/%61pi/products?product=x", nil}, {"GET", "/api/%70roducts?product=x", nil},
		{"GET", "/api%2fproducts?product=x", nil}, {"GET", "//api/products?product=x", nil},
		{"GET", "/./api/products?product=x", nil}, {"GET", "/api/../api/products?product=x", nil},
		{"GET", "/x/../api/products?product=x", nil}, {"GET", "/api/ping/../products?product=x", nil},
		{"GET", "/API/products?product=x", nil}, {"GET", "/api/Products?product=x", nil},
		{"GET", "/api/products;v=1?product=x", nil}, {"GET", "/api\\products?product=x", nil},
		{"GET", "/api/products?%70roduct=x", nil}, {"GET", "/api/products?limit=1&product=x", nil},
		{"GET", "/api/products?product", nil}, {"GET", "/api/products?product=&product=x", nil},
		{"GET", "http://shop/api/products?product=x", nil}, {"GET", "http://shop//api/products?product=x", nil},
		{"HEAD", "/api/products?product=x", nil}, {"OPTIONS", "/api/products?product=x", nil},
		{"GET", "/api/orders/do/?order=x", nil}, {"GET", "/api/orders/d%6f?order=x", nil},
		{"POST", "/api/products/1", []string{"X-HTTP-Method-Override: DELETE", "X-Method-Override: DELETE"}},
		{"DELETE", "/api/products/1/", nil}, {"DELETE", "/api/products/%31", nil}, {"DELETE", "/api/products/01", nil},
		{"DELETE", "/api/products/1", []string{"Prefer: read=primary"}},
		{"DELETE", "/api/products/1", []string{"X-Original-Authorization: x", "Proxy-Authorization: Bearer x"}},
		{"DELETE", "/api/products/1?access_token=" + strings.TrimPrefix(s.as("admin"), "Authorization: Bearer "), nil},
		{"DELETE", "/api/products/1", []string{"Cookie: access_token=x; Authorization=x"}},
		{"DELETE", "/api/products/1", []string{"Origin: " + s.url}},
	} {
		got := s.send(row.method, row.target, row.fields...)
		switch got.status {
		case 400, 401, 404, 405:
		case 200:
			if row.method != http.MethodHead && !strings.HasPrefix(got.body, `{"products"`) {
				t.Errorf("%s %s %v = %d %s", row.method, row.target, row.fields, got.status, got.body)
			}
		default:
			t.Errorf("%s %s %v = %d %s", row.method, row.target, row.fields, got.status, got.body)
		}
	}
	if n := len(mustList(t, s.testShop)); n != before {
		t.Errorf("there are %d products, and there were %d", n, before)
	}
}

// public are the calls that anybody may make. All others take a token.
var public = map[string]bool{
	"GET /healthz": true, "GET /readyz": true, "GET /.well-known/jwks.json": true, "GET /api/ping": true,
	"GET /api/openapi.json": true, "GET /api/docs": true, "GET /api/misc/time": true, "GET /api/misc/heavy": true,
	"GET /api/products": true, "GET /api/products/last": true, "GET /api/products/1": true, "GET /api/probes/a": true,
	"POST /api/accounts": true, "POST /api/session": true, "POST /api/session/renew": true, // by password or cookie
}

// TestAllElseTakesAToken makes each call that there is without a token. A route that somebody adds is refused here
// unless it has a guard, or stands in the list.
func TestAllElseTakesAToken(t *testing.T) {
	s := mustServeAccounts(t)
	parameters := strings.NewReplacer(
		":id<int>", "1", ":id<guid>", "5ed0a4a5-7d6f-4b8e-9f0a-0c0d0e0f0a0b", ":name", "a",
	)
	asked := 0
	for _, route := range s.api.App().GetRoutes(true) {
		path := parameters.Replace(route.Path)
		if path == "/" || path == "/api" || public[strings.Replace(route.Method, "HEAD", "GET", 1)+" "+path] {
			continue
		}
		s.send(route.Method, path).wantStatus(t, 401)
		asked++
	}
	if asked < 15 {
		t.Errorf("only %d calls take a token", asked)
	}
}
