package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/dgraph-io/ristretto"
	gocache "github.com/eko/gocache/lib/v4/cache"
	gocachestore "github.com/eko/gocache/lib/v4/store"
	ristrettostore "github.com/eko/gocache/store/ristretto/v4"
	"github.com/gofiber/fiber/v2"
	fibermiddleware "github.com/gofiber/fiber/v2/middleware/cache"

	"github.com/woodytoys/woodytoys/benchmarks/pairs/constant"
	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/fibercache"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// path is what is asked for, and product what is answered: 79 bytes of JSON.
const (
	path    = "/api/products/1"
	product = `{"id":1,"name":"A wooden train with three wagons and a whistle","version":1234}`
)

// answerProduct is the handler behind each cache.
func answerProduct(c *fiber.Ctx) error {
	setFields(c)
	return c.SendString(product)
}

func setFields(c *fiber.Ctx) {
	c.Set(fiber.HeaderCacheControl, "no-cache")
	c.Set(fiber.HeaderVary, "Accept")
	c.Set(fiber.HeaderETag, `"v1234-60e5f2a1b9c4d7e8"`)
	c.Set(fiber.HeaderContentType, "application/json")
}

// candidate is a way to keep a response.
type candidate struct {
	name  string
	route func(app *fiber.App) error
}

var candidates = []candidate{
	{"woodytoys fibercache", func(app *fiber.App) error {
		c, err := cache.New(cache.Config{})
		if err != nil {
			return err
		}
		cached, err := fibercache.New(c, fibercache.Options{
			Options: cache.Options{Name: "product", TTL: time.Hour},
			Tags:    func(c *fiber.Ctx) []string { return []string{"product:" + c.Params("id")} },
		})
		app.Get("/api/products/:id", cached, answerProduct)
		return err
	}},
	{"fiber middleware/cache", func(app *fiber.App) error {
		app.Get("/api/products/:id", fibermiddleware.New(fibermiddleware.Config{
			Expiration: time.Hour, StoreResponseHeaders: true,
		}), answerProduct)
		return nil
	}},
	{"gocache chain, ristretto", func(app *fiber.App) error {
		memory, err := ristretto.NewCache(&ristretto.Config{NumCounters: 1e5, MaxCost: 64 << 20, BufferItems: 64})
		if err != nil {
			return err
		}
		chain := gocache.NewChain[any](gocache.New[any](ristrettostore.NewRistretto(memory)))
		app.Get("/api/products/:id", func(c *fiber.Ctx) error { return throughChain(c, chain) })
		return nil
	}},
}

// kept is what a program that uses gocache by hand would keep of a response.
type kept struct {
	body                             []byte
	mediaType, etag, control, varies string
}

func throughChain(c *fiber.Ctx, chain *gocache.ChainCache[any]) error {
	key := string(append([]byte(nil), c.OriginalURL()...)) // fasthttp reuses the path's memory for the next request
	if found, err := chain.Get(context.Background(), key); err == nil {
		k := found.(*kept)
		c.Set(fiber.HeaderCacheControl, k.control)
		c.Set(fiber.HeaderVary, k.varies)
		c.Set(fiber.HeaderETag, k.etag)
		c.Set(fiber.HeaderContentType, k.mediaType)
		return c.Send(k.body)
	}
	if err := answerProduct(c); err != nil {
		return err
	}
	return chain.Set(context.Background(), key, &kept{
		body: append([]byte(nil), c.Response().Body()...), mediaType: "application/json",
		etag: c.GetRespHeader(fiber.HeaderETag), control: "no-cache", varies: "Accept",
	}, gocachestore.WithCost(1))
}

// serveIfAsked serves a candidate, and never returns, when this program was started by start.
func serveIfAsked() {
	if len(os.Args) != 3 || os.Args[1] != "serve" {
		return
	}
	for _, candidate := range append(candidates, overRedis...) {
		if candidate.name == os.Args[2] {
			fmt.Fprintln(os.Stderr, serve(candidate))
		}
	}
	os.Exit(1)
}

func serve(candidate candidate) error {
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	if err := candidate.route(app); err != nil {
		return err
	}
	app.Get(constant.AllocationsPath, constant.HandleAllocations)
	ln, err := servers.SelfSocket()
	if err != nil {
		return err
	}
	return app.Listener(ln)
}
