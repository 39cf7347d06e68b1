package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	gocache "github.com/eko/gocache/lib/v4/cache"
	gocachestore "github.com/eko/gocache/lib/v4/store"
	redisstore "github.com/eko/gocache/store/redis/v4"
	_ "github.com/go-sql-driver/mysql"
	"github.com/gofiber/fiber/v2"
	fibermiddleware "github.com/gofiber/fiber/v2/middleware/cache"
	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/cluster"
	"github.com/woodytoys/woodytoys/cache/fibercache"
	"github.com/woodytoys/woodytoys/cache/outbox"
)

// Candidates find their servers in the environment.
const (
	redisEnv = "CACHEBENCH_REDIS"
	dsnEnv   = "CACHEBENCH_DSN"
)

func redisClient() *redis.Client { return redis.NewClient(redisOptions()) }

func redisOptions() *redis.Options {
	return &redis.Options{Addr: os.Getenv(redisEnv), Protocol: 2, DisableIdentity: true}
}

// overRedis are the caches that keep a response in Redis and ask for it there each time. Each has the
// response of every path of one route.
var overRedis = []candidate{
	{"woodytoys, Redis alone", func(app *fiber.App) error {
		db, err := sql.Open("mysql", os.Getenv(dsnEnv))
		if err != nil {
			return err
		}
		box, err := outbox.New(outbox.Config{DB: db, Namespace: "bench", Direct: true})
		if err != nil {
			return err
		}
		if err := box.Migrate(context.Background()); err != nil {
			return err
		}
		c, err := cache.New(cache.Config{NoNear: true, Cluster: &cluster.Config{
			Redis: &redis.UniversalOptions{Addrs: []string{os.Getenv(redisEnv)}}, Ledger: box,
			Logger: slog.New(slog.DiscardHandler),
		}})
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
	{"gocache over Redis", func(app *fiber.App) error {
		manager := gocache.New[string](redisstore.NewRedis(redisClient()))
		app.Get("/api/products/:id", func(c *fiber.Ctx) error { return throughGocache(c, manager) })
		return nil
	}},
	{"rueidis over Redis", func(app *fiber.App) error {
		client, err := rueidis.NewClient(rueidis.ClientOption{
			InitAddress: []string{os.Getenv(redisEnv)}, DisableCache: true, // rueidis' own client-side cache
		})
		app.Get("/api/products/:id", func(c *fiber.Ctx) error { return throughRueidis(c, client) })
		return err
	}},
	{"fiber middleware over Redis", func(app *fiber.App) error {
		app.Get("/api/products/:id", fibermiddleware.New(fibermiddleware.Config{
			Expiration: time.Hour, StoreResponseHeaders: true, Storage: fiberStorage{redisClient()},
		}), answerProduct)
		return nil
	}},
}

// throughGocache caches no more than the body, and has the header fields as constants: the least that a program
// which uses gocache by hand can do.
func throughGocache(c *fiber.Ctx, manager *gocache.Cache[string]) error {
	key := strings.Clone(c.OriginalURL()) // fasthttp reuses the path's memory for the next request
	if body, err := manager.Get(context.Background(), key); err == nil {
		setFields(c)
		return c.SendString(body)
	}
	if err := answerProduct(c); err != nil {
		return err
	}
	return manager.Set(context.Background(), key, string(c.Response().Body()), gocachestore.WithExpiration(time.Hour))
}

// throughRueidis returns a handler without a cache: a bare GET of the fastest client there is, which sends what callers
// ask for at the same time together.
func throughRueidis(c *fiber.Ctx, client rueidis.Client) error {
	ctx, key := context.Background(), strings.Clone(c.OriginalURL())
	if body, err := client.Do(ctx, client.B().Get().Key(key).Build()).AsBytes(); err == nil {
		setFields(c)
		return c.Send(body)
	}
	if err := answerProduct(c); err != nil {
		return err
	}
	set := client.B().Set().Key(key).Value(string(c.Response().Body())).Ex(time.Hour)
	return client.Do(ctx, set.Build()).Error()
}

// fiberStorage is Fiber's storage on a Redis client.
type fiberStorage struct{ client *redis.Client }

func (s fiberStorage) Get(key string) ([]byte, error) {
	value, err := s.client.Get(context.Background(), key).Bytes()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	return value, err
}

func (s fiberStorage) Set(key string, value []byte, expires time.Duration) error {
	return s.client.Set(context.Background(), key, value, expires).Err()
}

func (s fiberStorage) Delete(key string) error { return s.client.Del(context.Background(), key).Err() }
func (s fiberStorage) Reset() error            { return errors.New("not used here") }
func (s fiberStorage) Close() error            { return s.client.Close() }

// somePaths returns the paths of many products: callers who ask for one at the same time can be answered
// together, and hardly ever do here.
func somePaths(n int) []string {
	paths := make([]string, n)
	for i := range paths {
		paths[i] = fmt.Sprintf("/api/products/%d", i+1)
	}
	return paths
}
