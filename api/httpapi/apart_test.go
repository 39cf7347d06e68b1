package httpapi

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/api/health"
	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/cache"
)

// lasts is a store of which the last product alone is read. It notes who shares that with nobody.
type lasts struct {
	shop.Store
	apart chan bool
}

func (l lasts) Last(ctx context.Context) (shop.Last, error) {
	l.apart <- shop.IsApart(ctx)
	return shop.Last{At: time.Now()}, nil
}

// TestReadsPastTheCacheAreApart reads the last product in every way that bypasses the cache, and checks that the store
// is called with a context for which shop.IsApart reports true. Without a cache, or for the cache's own fill, it is
// false.
func TestReadsPastTheCacheAreApart(t *testing.T) {
	kept, err := cache.New(cache.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for name, with := range map[string]*cache.Cache{"a cache": kept, "no cache": nil} {
		store := lasts{apart: make(chan bool, 1)}
		ready := &health.Health{}
		ready.Start()
		api, err := New(t.Context(), Config{Shop: shop.New(shop.Config{Store: store}), Health: ready, Cache: with,
			Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go api.App().Listener(ln)
		t.Cleanup(func() { api.App().ShutdownWithTimeout(time.Second) })
		for _, call := range []struct{ what, method, prefer, body string }{
			{"HEAD", "HEAD", "", ""}, {"a body", "GET", "", "x"}, {"Prefer", "GET", "read=primary", ""},
			{"GET", "GET", "", ""},
		} {
			request, err := http.NewRequest(call.method, "http://"+ln.Addr().String()+"/api/products/last",
				strings.NewReader(call.body))
			if err != nil {
				t.Fatal(err)
			}
			if call.prefer != "" {
				request.Header.Set("Prefer", call.prefer)
			}
			response, err := http.DefaultTransport.RoundTrip(request)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			select {
			case apart := <-store.apart:
				if want := with != nil && call.what != "GET"; apart != want {
					t.Errorf("%s, %s: apart is %v, want %v", name, call.what, apart, want)
				}
			default:
				t.Errorf("%s, %s: %s, and nothing was read", name, call.what, response.Status)
			}
		}
	}
}
