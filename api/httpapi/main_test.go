package httpapi_test

import (
	"context"
	"database/sql"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/woodytoys/woodytoys/api/health"
	"github.com/woodytoys/woodytoys/api/httpapi"
	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/api/store"
	"github.com/woodytoys/woodytoys/cache"
)

// testShop is a running API on a SQLite store of its own.
type testShop struct {
	t      testing.TB
	url    string
	api    *httpapi.API
	shop   *shop.Shop
	health *health.Health
	store  *store.Store
	kept   *cache.Cache
	// metrics is where the API's metrics are.
	metrics *prometheus.Registry
}

// mustServe starts an API on a free port; it ends with the test.
func mustServe(t testing.TB) *testShop { return mustServeShop(t, shop.Config{}) }

// mustServeShop is like mustServe, with a shop of other settings and more routes.
func mustServeShop(t testing.TB, cfg shop.Config, more ...func(*fiber.App)) *testShop {
	t.Helper()
	return mustServeWith(t, cfg, func(*httpapi.Config, *store.Store) {}, more...)
}

// mustServeWith is like mustServeShop, with an API of other settings.
func mustServeWith(
	t testing.TB, cfg shop.Config, set func(*httpapi.Config, *store.Store), more ...func(*fiber.App),
) *testShop {
	t.Helper()
	kept, err := cache.New(cache.Config{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(
		store.Config{DataDir: t.TempDir(), Journal: journal{kept}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	cfg.Store = s
	if cfg.Stock, err = httpapi.StockIn(kept, s); err != nil {
		t.Fatal(err)
	}
	h := &health.Health{}
	h.Start()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	theShop := shop.New(cfg)
	go theShop.Workers(ctx, 2, slog.New(slog.DiscardHandler))
	metrics := prometheus.NewRegistry()
	face := httpapi.Config{
		Cache: kept, Registerer: metrics,
		Shop: theShop, Health: h, ReplicaID: "replica-1", Logger: slog.New(slog.DiscardHandler),
	}
	set(&face, s)
	api, err := httpapi.New(ctx, face)
	if err != nil {
		t.Fatal(err)
	}
	for _, add := range more {
		add(api.App())
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go api.App().Listener(ln)
	t.Cleanup(func() { api.App().ShutdownWithTimeout(time.Second) })
	return &testShop{t: t, url: "http://" + ln.Addr().String(), api: api, shop: theShop, health: h, store: s,
		kept: kept, metrics: metrics}
}

// journal invalidates a cache by a store's changes.
type journal struct{ *cache.Cache }

func (journal) Record(context.Context, *sql.Tx, []string) (int64, error) { return 0, nil }

func (j journal) Settle(_ context.Context, _ int64, tags []string) error {
	return j.Invalidate(tags...)
}

// forTest returns the same shop, reporting to another test.
func (s *testShop) forTest(t testing.TB) *testShop {
	other := *s
	other.t = t
	return &other
}

// reply is an answer that was read to its end.
type reply struct {
	status int
	header http.Header
	body   string
}

// call sends a request and holds its answer against openapi.json. headers are "Name: value".
func (s *testShop) call(method, path, body string, headers ...string) reply {
	s.t.Helper()
	request, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		request.Header.Add(name, value)
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	got := reply{status: response.StatusCode, header: response.Header, body: string(content)}
	checkContract(s.t, method, request.URL.Path, got)
	return got
}

func (s *testShop) get(path string, headers ...string) reply {
	s.t.Helper()
	return s.call(http.MethodGet, path, "", headers...)
}

func (s *testShop) post(path, body string, headers ...string) reply {
	s.t.Helper()
	return s.call(http.MethodPost, path, body, append(headers, "Content-Type: application/json")...)
}

// want fails the test unless the answer has the status and the body.
func (r reply) want(t testing.TB, status int, body string) {
	t.Helper()
	if r.status != status || r.body != body {
		t.Errorf("got %d %q, want %d %q", r.status, r.body, status, body)
	}
}

// wantStatus fails the test unless the answer has the status.
func (r reply) wantStatus(t testing.TB, status int) {
	t.Helper()
	if r.status != status {
		t.Errorf("got %d %q, want %d", r.status, r.body, status)
	}
}
