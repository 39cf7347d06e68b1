package site_test

import (
	"log/slog"
	"net"
	"testing"

	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/front/site"
)

// mustStartShop serves the site and the fake API on one real address, as the one process does, and returns its URL.
func mustStartShop(t *testing.T, api *fakeAPI, config site.Config) string {
	t.Helper()
	if config.Toys == nil {
		config.Toys = api.list
	}
	if config.ReplicaID == "" {
		config.ReplicaID = "front-3"
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	shop, err := site.New(config)
	if err != nil {
		t.Fatalf("site.New: %v", err)
	}
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	api.register(app)
	shop.Register(app)
	return mustServe(t, app)
}

func mustServe(t *testing.T, app *fiber.App) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- app.Listener(listener) }()
	t.Cleanup(func() {
		if err := app.Shutdown(); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return "http://" + listener.Addr().String()
}
