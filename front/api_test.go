package main

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/woodytoys/woodytoys/front/site"
)

func TestToysAreRead(t *testing.T) {
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.String() != "/api/products?limit=100" || r.Header.Get("Accept") != "application/json" {
			http.Error(w, "not what the front should ask", http.StatusBadRequest)
			return
		}
		_, _ = w.Write([]byte(
			`{"products":[{"id":1,"name":"Yoyo","version":1},{"id":12,"name":"Joli train","version":3,` +
				`"stock":0,"price":{"amount":1999,"currency":"EUR"}}],"next":"/x"}`))
	}))
	defer shop.Close()
	got, err := newAPI(shop.URL + "/").toys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := []site.Toy{{ID: 12, Name: "Joli train", Version: 3, Counted: true, Price: "19.99 EUR"},
		{ID: 1, Name: "Yoyo", Version: 1}}; !slices.Equal(got, want) {
		t.Errorf("toys = %v, want %v: newest first", got, want)
	}
}

func TestAnUnwellAPIIsAnError(t *testing.T) {
	for name, response := range map[string]http.HandlerFunc{
		"503":         func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
		"not JSON":    func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"no products": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"items":[]}`)) },
	} {
		t.Run(name, func(t *testing.T) {
			shop := httptest.NewServer(response)
			defer shop.Close()
			if toys, err := newAPI(shop.URL).toys(t.Context()); err == nil {
				t.Errorf("toys = %v, want an error", toys)
			}
		})
	}
}

func TestAnEmptyShelfIsNone(t *testing.T) {
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"products":[]}`))
	}))
	defer shop.Close()
	if toys, err := newAPI(shop.URL).toys(t.Context()); err != nil || len(toys) != 0 {
		t.Errorf("toys = %v, %v, want none and no error", toys, err)
	}
}
