// Chi is one replica of a program whose answers are kept in memory and in Redis: net/http with chi, and httpcache
// before its handlers, with PostgreSQL as the truth. Start two of them, write to one and ask the other.
//
//	createdb toys
//	go run github.com/woodytoys/woodytoys/cache/examples/chi -addr localhost:8080 -db postgres://localhost:5432/toys
//	go run github.com/woodytoys/woodytoys/cache/examples/chi -addr localhost:8081 -db postgres://localhost:5432/toys
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
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/go-chi/chi/v5"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/redis/go-redis/v9"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/cluster"
	"github.com/woodytoys/woodytoys/cache/httpcache"
	"github.com/woodytoys/woodytoys/cache/outbox"
)

func main() {
	addr := flag.String("addr", "localhost:8080", "where to listen")
	dsn := flag.String("db", "postgres://localhost:5432/toys", "the database, of one PostgreSQL server without a proxy")
	redisAddr := flag.String("redis", "localhost:6379", "the Redis server")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *addr, *dsn, *redisAddr); err != nil {
		fmt.Fprintln(os.Stderr, "chi:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends, and then finishes the requests that are under way.
func run(ctx context.Context, addr, dsn, redisAddr string) error {
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	box, err := outbox.New(outbox.Config{DB: db, Namespace: "toys", Dialect: outbox.Postgres, Direct: true})
	if err != nil {
		return err
	}
	if err := migrate(ctx, db, box); err != nil {
		return err
	}
	c, err := cache.New(cache.Config{Cluster: &cluster.Config{
		Redis: &redis.UniversalOptions{Addrs: []string{redisAddr}}, Ledger: box,
	}})
	if err != nil {
		return err
	}
	defer c.Close()
	cached, err := httpcache.New(c, httpcache.Options{
		Options: cache.Options{Name: "toy", TTL: time.Minute, NegativeTTL: 10 * time.Second, RefreshAhead: 0.7},
	})
	if err != nil {
		return err
	}
	s := &shop{db: db, box: box, cache: c}
	router := chi.NewRouter()
	router.With(cached).Get("/toys/{id}", s.get)
	router.Put("/toys/{id}", s.put)
	return serve(ctx, addr, router)
}

// migrate makes the tables. Replicas that start together do so one after the other: CREATE TABLE IF NOT EXISTS may fail
// otherwise.
func migrate(ctx context.Context, db *sql.DB, box *outbox.Outbox) error {
	if err := box.Migrate(ctx); err != nil {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock(20261126)"); err != nil {
		return err
	}
	const table = "CREATE TABLE IF NOT EXISTS toys (id BIGINT PRIMARY KEY, name VARCHAR(200) NOT NULL)"
	if _, err := tx.ExecContext(ctx, table); err != nil {
		return err
	}
	return tx.Commit()
}

func serve(ctx context.Context, addr string, handler http.Handler) error {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ln) }()
	fmt.Printf("listening on http://%s\n", ln.Addr())
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return server.Shutdown(ctx)
}

type shop struct {
	db    *sql.DB
	box   *outbox.Outbox
	cache *cache.Cache
}

// tag returns the tag of a toy. It is made of the number that the database is asked for, and not of the text in the
// path: 7 and 07 are one toy.
func tag(id int) string { return "toy:" + strconv.Itoa(id) }

func (s *shop) get(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.Atoi(chi.URLParam(r, "id"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	httpcache.Tag(r.Context(), tag(id)) // an absence has its tag too: it ends when the toy is made
	var name string
	err = s.db.QueryRowContext(r.Context(), "SELECT name FROM toys WHERE id = $1", id).Scan(&name)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		http.NotFound(w, r)
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	default:
		fmt.Fprintln(w, name)
	}
}

func (s *shop) put(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.Atoi(chi.URLParam(r, "id"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	name, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 200))
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	record, err := s.write(r.Context(), id, string(name))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if err := s.cache.Settle(record, tag(id)); err != nil {
		// It has happened, and not every replica may have heard of it.
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// write returns the record of the toy's tag, which is in the same transaction.
func (s *shop) write(ctx context.Context, id int, name string) (record int64, err error) {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	const put = "INSERT INTO toys (id, name) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET name = excluded.name"
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
