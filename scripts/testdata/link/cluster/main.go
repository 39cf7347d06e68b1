// Cluster keeps answers of Fiber's handlers in memory and in Redis, with MySQL as the truth.
package main

import (
	"database/sql"
	"fmt"
	"os"
	"time"

	_ "github.com/go-sql-driver/mysql"
	"github.com/gofiber/fiber/v2"
	"github.com/redis/go-redis/v9"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/cluster"
	"github.com/woodytoys/woodytoys/cache/fibercache"
	"github.com/woodytoys/woodytoys/cache/outbox"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	db, err := sql.Open("mysql", "root@/toys")
	if err != nil {
		return err
	}
	box, err := outbox.New(outbox.Config{DB: db, Namespace: "toys"})
	if err != nil {
		return err
	}
	c, err := cache.New(cache.Config{Cluster: &cluster.Config{
		Redis: &redis.UniversalOptions{Addrs: []string{"localhost:6379"}}, Ledger: box,
	}})
	if err != nil {
		return err
	}
	cached, err := fibercache.New(c, fibercache.Options{Options: cache.Options{Name: "toy", TTL: time.Minute}})
	if err != nil {
		return err
	}
	app := fiber.New()
	app.Get("/toys/:id", cached, func(c *fiber.Ctx) error {
		var name string
		if err := db.QueryRow("SELECT name FROM toys WHERE id = ?", c.Params("id")).Scan(&name); err != nil {
			return err
		}
		return c.SendString(name)
	})
	return app.Listen(":8080")
}
