package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/internal/oracle"
)

// TestStaleReadsAreCounted reads each product twice from a shop that answers version 2 of all of them, after version 3
// of one was acknowledged, and version 2 of another.
func TestStaleReadsAreCounted(t *testing.T) {
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"id":%s,"name":"Toy","version":2}`, strings.TrimPrefix(r.URL.Path, "/api/products/"))
	}))
	defer shop.Close()
	var o observer
	for i := range products {
		o.ids = append(o.ids, int64(i))
		o.items[i].Acknowledged(oracle.State{Version: 1})
	}
	o.items[3].Acknowledged(oracle.State{Version: 3})
	o.items[4].Acknowledged(oracle.State{Version: 2})
	if err := o.read(shop.Listener.Addr().String(), 2*products, 1e6); err != nil {
		t.Fatal(err)
	}
	if found, reads := o.findings.Sum(), o.tally.Reads.Load(); found.Stale != 2 || found.All() != 2 ||
		reads != 2*products {
		t.Errorf("%d of %d reads were stale, %v; want the 2 of product 3, of %d",
			found.Stale, reads, found.Examples, 2*products)
	}
}
