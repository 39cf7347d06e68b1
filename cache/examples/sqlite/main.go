// Sqlite is a program of one process that keeps what it reads from a SQLite file in memory: net/http, and a
// cache.Loader between its handlers and the database.
//
//	go run github.com/woodytoys/woodytoys/cache/examples/sqlite -db toys.db
//
//	curl -i localhost:8080/toys/1                # 404: there is none
//	curl -i -X PUT -d Yoyo localhost:8080/toys/1
//	curl -i localhost:8080/toys/1                # X-Cache: miss
//	curl -i localhost:8080/toys/1                # X-Cache: hit
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

	_ "modernc.org/sqlite"

	"github.com/woodytoys/woodytoys/cache"
)

func main() {
	addr := flag.String("addr", "localhost:8080", "where to listen")
	file := flag.String("db", "toys.db", "the SQLite `file`, which is made where there is none")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *addr, *file); err != nil {
		fmt.Fprintln(os.Stderr, "sqlite:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends, and then finishes the requests that are under way.
func run(ctx context.Context, addr, file string) error {
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)")
	if err != nil {
		return err
	}
	defer db.Close()
	const table = "CREATE TABLE IF NOT EXISTS toys (id INTEGER PRIMARY KEY, name TEXT NOT NULL)"
	if _, err := db.ExecContext(ctx, table); err != nil {
		return err
	}
	c, err := cache.New(cache.Config{})
	if err != nil {
		return err
	}
	defer c.Close()
	names, err := cache.NewLoader[string](c, cache.Options{
		Name: "toy", TTL: time.Minute, RefreshAhead: 0.7,
		NegativeTTL: 10 * time.Second, Absent: func(err error) bool { return errors.Is(err, sql.ErrNoRows) },
	})
	if err != nil {
		return err
	}
	s := &shop{db: db, cache: c, names: names}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /toys/{id}", s.get)
	mux.HandleFunc("PUT /toys/{id}", s.put)
	return serve(ctx, addr, mux)
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
	cache *cache.Cache
	names *cache.Loader[string]
}

// tag returns the tag of a toy. It is made of the number that the database is asked for, and not of the text in the
// path: 7 and 07 are one toy.
func tag(id int) string { return "toy:" + strconv.Itoa(id) }

func (s *shop) get(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	key := s.names.Key(strconv.Itoa(id))
	name, info, err := s.names.Get(r.Context(), key, []string{tag(id)}, s.load(id))
	if info.Reason == cache.Hit {
		w.Header().Set("X-Cache", "hit")
	} else {
		w.Header().Set("X-Cache", "miss")
	}
	switch {
	case errors.Is(err, sql.ErrNoRows):
		http.NotFound(w, r)
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	default:
		fmt.Fprintln(w, name)
	}
}

func (s *shop) load(id int) cache.Load[string] {
	return func(ctx context.Context, _ *cache.Fill) (name string, err error) {
		err = s.db.QueryRowContext(ctx, "SELECT name FROM toys WHERE id = ?", id).Scan(&name)
		return name, err
	}
}

func (s *shop) put(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	name, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 200))
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	const put = "INSERT INTO toys (id, name) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET name = excluded.name"
	_, err = s.db.ExecContext(r.Context(), put, id, string(name))
	// Before the response, and after an error too: what failed may have been committed all the same.
	if err := errors.Join(err, s.cache.Invalidate(tag(id))); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
