// Clusterwithout is cluster without a cache: Fiber and MySQL.
package main

import (
	"database/sql"
	"fmt"
	"os"

	_ "github.com/go-sql-driver/mysql"
	"github.com/gofiber/fiber/v2"
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
	app := fiber.New()
	app.Get("/toys/:id", func(c *fiber.Ctx) error {
		var name string
		if err := db.QueryRow("SELECT name FROM toys WHERE id = ?", c.Params("id")).Scan(&name); err != nil {
			return err
		}
		return c.SendString(name)
	})
	return app.Listen(":8080")
}
