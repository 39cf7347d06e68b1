// Fiber is one replica of a program whose answers are kept in memory and in Redis: Fiber, and fibercache before its
// handlers, with MariaDB as the truth. Start two of them, write to one and ask the other.
//
//	mariadb -e 'CREATE DATABASE toys'
//	go run github.com/woodytoys/woodytoys/cache/examples/fiber -addr localhost:8080 \
//		-db 'root@tcp(localhost:3306)/toys'
//	go run github.com/woodytoys/woodytoys/cache/examples/fiber -addr localhost:8081 \
//		-db 'root@tcp(localhost:3306)/toys'
//
//	curl -i -X PUT -d Yoyo localhost:8080/toys/1
//	curl -i localhost:8081/toys/1                # Cache-Status shows where the answer came from
//	curl -i -X PUT -d Train localhost:8080/toys/1
//	curl -i localhost:8081/toys/1                # Train
//
// Ctrl-C ends it.
package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"
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
	addr := flag.String("addr", "localhost:8080", "where to listen")
	dsn := flag.String("db", "root@tcp(localhost:3306)/toys",
		"the database, of one MariaDB or MySQL server without a proxy")
	redisAddr := flag.String("redis", "localhost:6379", "the Redis server")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *addr, *dsn, *redisAddr); err != nil {
		fmt.Fprintln(os.Stderr, "fiber:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends, and then finishes the requests that are under way.
func run(ctx context.Context, addr, dsn, redisAddr string) error {
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	const table = "CREATE TABLE IF NOT EXISTS toys (id BIGINT PRIMARY KEY, name VARCHAR(200) NOT NULL)"
	if _, err := db.ExecContext(ctx, table); err != nil {
		return err
	}
	box, err := outbox.New(outbox.Config{DB: db, Namespace: "toys", Direct: true})
	if err != nil {
		return err
	}
	if err := box.Migrate(ctx); err != nil {
		return err
	}
	c, err := cache.New(cache.Config{Cluster: &cluster.Config{
		Redis: &redis.UniversalOptions{Addrs: []string{redisAddr}}, Ledger: box,
	}})
	if err != nil {
		return err
	}
	defer c.Close()
	cached, err := fibercache.New(c, fibercache.Options{
		Options: cache.Options{Name: "toy", TTL: time.Minute, NegativeTTL: 10 * time.Second, RefreshAhead: 0.7},
	})
	if err != nil {
		return err
	}
	s := &shop{db: db, box: box, cache: c}
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	app.Get("/toys/:id", cached, s.get)
	app.Put("/toys/:id", s.put)
	return serve(ctx, addr, app)
}

func serve(ctx context.Context, addr string, app *fiber.App) error {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- app.Listener(ln) }()
	fmt.Printf("listening on http://%s\n", ln.Addr())
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return app.ShutdownWithTimeout(5 * time.Second)
	}
}

type shop struct {
	db    *sql.DB
	box   *outbox.Outbox
	cache *cache.Cache
}

// tag returns the tag of a toy. It is made of the number that the database is asked for, and not of the text in the
// path: 7 and 07 are one toy.
func tag(id int) string { return "toy:" + strconv.Itoa(id) }

func (s *shop) get(c *fiber.Ctx) error {
	id, err := c.ParamsInt("id")
	if err != nil {
		return fiber.ErrNotFound
	}
	fibercache.Tag(c, tag(id)) // an absence has its tag too: it ends when the toy is made
	var name string
	err = s.db.QueryRowContext(c.UserContext(), "SELECT name FROM toys WHERE id = ?", id).Scan(&name)
	if errors.Is(err, sql.ErrNoRows) {
		return fiber.ErrNotFound
	}
	if err != nil {
		return err
	}
	return c.SendString(name + "\n")
}

func (s *shop) put(c *fiber.Ctx) error {
	id, err := c.ParamsInt("id")
	if err != nil || len(c.Body()) > 200 {
		return fiber.ErrBadRequest
	}
	record, err := s.write(c.UserContext(), id, string(c.Body()))
	if err != nil {
		return err
	}
	if err := s.cache.Settle(record, tag(id)); err != nil {
		return fiber.ErrServiceUnavailable // it has happened, and not every replica may have heard of it
	}
	return c.SendStatus(fiber.StatusNoContent)
}

// write returns the record of the toy's tag, which is in the same transaction.
func (s *shop) write(ctx context.Context, id int, name string) (record int64, err error) {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	const put = "INSERT INTO toys (id, name) VALUES (?, ?) ON DUPLICATE KEY UPDATE name = VALUES(name)"
	if _, err := tx.ExecContext(ctx, put, id, name); err != nil {
		return 0, err
	}
	if record, err = s.box.Record(ctx, tx, tag(id)); err != nil {
		return 0, err
	}
	if err := tx.Commit(); err != nil {
		// It may have gone through, or not: the record is left, for a commit that comes late.
		return 0, errors.Join(err, s.cache.Settle(0, tag(id)))
	}
	return record, nil
}
