package measure

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/woodytoys/woodytoys/benchmarks/runner/driver"
)

// TestWarmEachReadsTheShelfEverywhere checks, by two replicas that count their requests, that each is asked for the
// whole shelf.
func TestWarmEachReadsTheShelfEverywhere(t *testing.T) {
	const products = 20
	shop := &Shop{Running: &driver.Running{Addr: "127.0.0.1:1"}}
	var ids []int64
	var names []string
	for i := range products {
		ids, names = append(ids, int64(i+1)), append(names, fmt.Sprintf("toy-%d", i+1))
		shop.reads = append(shop.reads, shop.get(fmt.Sprintf("/api/products/%d", i+1)))
	}
	shop.shelf = newShelf(ids, names)
	asked := make([]map[string]int, 2)
	var lock sync.Mutex
	for i := range asked {
		asked[i] = map[string]int{}
		replica := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			lock.Lock()
			defer lock.Unlock()
			asked[i][r.URL.Path]++
			for p := range shop.shelf.products {
				if strings.HasSuffix(r.URL.Path, fmt.Sprintf("/%d", shop.shelf.products[p].id)) {
					w.Write(shop.shelf.products[p].first)
				}
			}
		}))
		defer replica.Close()
		shop.Replicas = append(shop.Replicas, replica.Listener.Addr().String())
	}
	if err := shop.WarmEach(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range asked {
		if len(asked[i]) != products {
			t.Errorf("replica %d was asked for %d products, want %d", i+1, len(asked[i]), products)
		}
		for path, n := range asked[i] {
			if n != 1 {
				t.Errorf("replica %d was asked for %s %d times", i+1, path, n)
			}
		}
	}
	if found := shop.shelf.taken(); found.Checked != 2*products || found.Stale+found.Wrong > 0 {
		t.Errorf("found %+v, want %d good answers", found, 2*products)
	}
}

func TestEachReplicaInASliceHasAsManyAsWithout(t *testing.T) {
	for _, c := range []struct{ replicas, all, of, want int }{
		{1, 500, 3, 166}, {6, 500, 3, 996}, {3, 128, 3, 126}, {2, 2, 3, 2},
	} {
		if got := (Slices{Replicas: c.replicas}).conns(c.all, c.of); got != c.want {
			t.Errorf("%d replicas, where %d had %d together: %d at once, want %d", c.replicas, c.of, c.all, got, c.want)
		}
	}
}
