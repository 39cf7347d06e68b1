package httpapi

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/api/accounts"
	"github.com/woodytoys/woodytoys/api/health"
	"github.com/woodytoys/woodytoys/api/tokens"
	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/fibercache"
)

// TestRefreshesPassTheGuard checks that the response of a route that needs a token is refreshed ahead of its expiry,
// although the cache's refresh request carries no token, and that a caller without a token still gets 401.
func TestRefreshesPassTheGuard(t *testing.T) {
	keys, err := tokens.Generate()
	if err != nil {
		t.Fatal(err)
	}
	const session = "5ed0a4a5-7d6f-4b8e-9f0a-0c0d0e0f0a0b"
	ann := accounts.Caller{Account: "ann", Role: accounts.Customer, Session: session}
	a := &API{
		process: t.Context(), health: &health.Health{}, tokens: keys, log: slog.New(slog.DiscardHandler),
		accounts: accounts.New(accounts.Config{
			Sessions: func(context.Context, string) (accounts.Caller, error) { return ann, nil },
		}),
	}
	a.health.Start()
	kept, err := cache.New(cache.Config{})
	if err != nil {
		t.Fatal(err)
	}
	cached, err := fibercache.New(kept, fibercache.Options{
		Options: cache.Options{Name: "x", TTL: 20 * time.Second, RefreshAhead: 0.1}, Fail: a.sendError,
	})
	if err != nil {
		t.Fatal(err)
	}
	app := fiber.New(fiber.Config{ErrorHandler: func(c *fiber.Ctx, err error) error {
		a.sendError(c, err)
		return nil
	}})
	app.Use("/api", a.identify)
	var made atomic.Int64
	app.Get("/api/x", a.needs(accounts.PlaceOrders), cached, func(c *fiber.Ctx) error {
		made.Add(1)
		return c.SendString("x")
	})
	token, err := keys.Sign("ann", session)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(authorization string) (status int, layer string) {
		request := httptest.NewRequest("GET", "/api/x", nil)
		if authorization != "" {
			request.Header.Set("Authorization", authorization)
		}
		response, err := app.Test(request, -1)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, response.Header.Get("Cache-Status")
	}
	ask("Bearer " + token)
	for deadline := time.Now().Add(time.Minute); made.Load() < 3; time.Sleep(10 * time.Millisecond) {
		status, layer := ask("Bearer " + token)
		if status != 200 || !strings.Contains(layer, "; hit") {
			t.Fatalf("%d, Cache-Status %q", status, layer)
		}
		if status, _ := ask(""); status != 401 {
			t.Fatalf("without a token: %d", status)
		}
		if time.Now().After(deadline) {
			t.Fatalf("the answer was made %d times, and never again", made.Load())
		}
	}
}
