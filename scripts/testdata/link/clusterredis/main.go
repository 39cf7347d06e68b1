// Clusterredis is cluster with go-redis in place of the cache: what the program would link that keeps its responses in
// Redis by hand.
package main

import (
	"database/sql"
	"fmt"
	"os"
	"time"

	_ "github.com/go-sql-driver/mysql"
	"github.com/gofiber/fiber/v2"
	"github.com/redis/go-redis/v9"
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
	client := redis.NewUniversalClient(&redis.UniversalOptions{Addrs: []string{"localhost:6379"}})
	app := fiber.New()
	app.Get("/toys/:id", func(c *fiber.Ctx) error {
		name, err := client.Get(c.UserContext(), c.Params("id")).Result()
		if err == nil {
			return c.SendString(name)
		}
		if err := db.QueryRow("SELECT name FROM toys WHERE id = ?", c.Params("id")).Scan(&name); err != nil {
			return err
		}
		client.Set(c.UserContext(), c.Params("id"), name, time.Minute)
		return c.SendString(name)
	})
	return app.Listen(":8080")
}
