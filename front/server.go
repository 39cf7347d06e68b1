package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/cache/conditional"
	"github.com/woodytoys/woodytoys/front/site"
	"github.com/woodytoys/woodytoys/internal/framing"
	"github.com/woodytoys/woodytoys/internal/serving"
)

// server is the site with its health endpoints, and a way to stop without breaking a response.
type server struct {
	app      *fiber.App
	page     *site.Site
	log      *slog.Logger
	draining atomic.Bool
}

func newServer(page *site.Site, log *slog.Logger) *server {
	s := &server{page: page, log: log}
	s.app = fiber.New(fiber.Config{
		DisableStartupMessage: true,
		ReadTimeout:           10 * time.Second,
		// longer than a proxy keeps its idle connections, so that it closes first
		IdleTimeout:                  75 * time.Second,
		ReadBufferSize:               16 << 10, // of a header, as the API: what the proxy takes
		BodyLimit:                    4 << 10,  // nothing is posted here
		DisablePreParseMultipartForm: true,
		ErrorHandler:                 s.refuse,
	})
	s.app.Use(s.sayGoodbye)
	s.app.Get("/healthz", s.handleAlive)
	s.app.Get("/readyz", s.handleReady)
	page.Register(s.app)
	return s
}

// run serves until ctx ends, then drains: for delay it goes on accepting, unready and closing every connection behind
// its response; then it stops accepting and gives the responses under way timeout to end. An error means that it could
// not serve, or that responses had to be cut off.
func (s *server) run(ctx context.Context, listener net.Listener, delay, timeout time.Duration) error {
	return serving.Serve(ctx, s.app, listener, serving.Drain{Begin: s.drain, Delay: delay, Timeout: timeout})
}

func (s *server) drain() {
	s.log.Info("draining")
	s.draining.Store(true)
}

// sayGoodbye ends each connection behind its response while draining: fasthttp closes idle ones at once on shutdown,
// and a proxy must not be about to reuse one of them.
func (s *server) sayGoodbye(c *fiber.Ctx) error {
	err := c.Next()
	if s.draining.Load() {
		c.Context().SetConnectionClose()
	}
	return err
}

func (s *server) handleAlive(c *fiber.Ctx) error {
	return sendHealth(c, "healthy\n")
}

// handleReady responds 503 until the assets are made, and again once draining.
func (s *server) handleReady(c *fiber.Ctx) error {
	c.Set(fiber.HeaderCacheControl, "no-store")
	switch {
	case s.draining.Load():
		return c.Status(fiber.StatusServiceUnavailable).SendString("draining\n")
	case !s.page.Ready():
		return c.Status(fiber.StatusServiceUnavailable).SendString("still painting\n")
	}
	return sendHealth(c, "ready\n")
}

// sendHealth responds 200, or what the request's conditions ask for: 304, or 412 as an error.
func sendHealth(c *fiber.Ctx, text string) error {
	switch conditional.Read(&c.Request().Header, conditional.State{}) {
	case conditional.Failed:
		return fiber.ErrPreconditionFailed
	case conditional.NotModified:
		c.Status(fiber.StatusNotModified)
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.SendString(text)
}

// refuse turns an error into its status and one sentence; the cause of a 500 goes to the log only.
func (s *server) refuse(c *fiber.Ctx, err error) error {
	status, sentence := fiber.StatusInternalServerError, "The page could not be made; try again."
	var known *fiber.Error
	var refused *framing.Refusal
	switch {
	case errors.As(err, &known):
		status, sentence = known.Code, known.Message
	case errors.As(err, &refused):
		status, sentence = refused.Status, refused.Error()
	}
	switch status {
	case fiber.StatusNotFound:
		sentence = "There is nothing at this address; the shop is at /."
	case fiber.StatusMethodNotAllowed:
		sentence = "Only GET and HEAD are answered here."
	case fiber.StatusPreconditionFailed:
		sentence = "This is not as If-Match has it; ask again without."
	case fiber.StatusInternalServerError:
		s.log.Error("answer failed", "path", c.Path(), "error", err)
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.Status(status).SendString(sentence + "\n")
}
