package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/load"
	"github.com/woodytoys/woodytoys/benchmarks/pairs/constant"
	"github.com/woodytoys/woodytoys/benchmarks/pairs/versus"
	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/httpcache"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// The same on net/http: a kept response of ours against a bare handler that sends the same bytes.

const netHTTPName = "woodytoys httpcache"

// The arguments that make this program one of the two: `PROGRAM keep`, and `PROGRAM repeat HOST:PORT`, which
// requests the model's response first.
const (
	keepCommand   = "keep"
	repeatCommand = "repeat"
)

// serveNetHTTPIfAsked serves, and never returns, when this program was started by startNetHTTP.
func serveNetHTTPIfAsked() {
	var handler http.Handler
	var err error
	switch {
	case len(os.Args) == 2 && os.Args[1] == keepCommand:
		handler, err = keptProduct()
	case len(os.Args) == 3 && os.Args[1] == repeatCommand:
		handler, err = repeat(os.Args[2])
	default:
		return
	}
	if err == nil {
		err = serveNetHTTP(handler)
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// keptProduct returns the handler behind our cache.
func keptProduct() (http.Handler, error) {
	c, err := cache.New(cache.Config{})
	if err != nil {
		return nil, err
	}
	cached, err := httpcache.New(c, httpcache.Options{
		Options: cache.Options{Name: "product", TTL: time.Hour},
		Tags:    func(r *http.Request) []string { return []string{"product:" + r.PathValue("id")} },
	})
	if err != nil {
		return nil, err
	}
	return cached(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-cache")
		h.Set("Vary", "Accept")
		h.Set("ETag", `"v1234-60e5f2a1b9c4d7e8"`)
		h.Set("Content-Type", "application/json")
		io.WriteString(w, product)
	})), nil
}

// repeat returns a handler that sends what a server responded: the least that net/http can do.
func repeat(addr string) (http.Handler, error) {
	response, err := http.Get("http://" + addr + path)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	response.Header.Del("Date")
	type field struct {
		name  string
		lines []string
	}
	var fields []field
	for name, lines := range response.Header {
		fields = append(fields, field{name, slices.Clip(lines)})
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		header := w.Header()
		for i := range fields {
			header[fields[i].name] = fields[i].lines
		}
		w.WriteHeader(http.StatusOK)
		w.Write(body)
	}), err
}

func serveNetHTTP(handler http.Handler) error {
	mux := http.NewServeMux()
	mux.Handle("GET /api/products/{id}", handler)
	mux.HandleFunc("GET "+constant.AllocationsPath, func(w http.ResponseWriter, _ *http.Request) {
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		fmt.Fprint(w, stats.Mallocs)
	})
	ln, err := servers.SelfSocket()
	if err != nil {
		return err
	}
	return http.Serve(ln, mux)
}

// againstBareNetHTTP measures our cache on net/http, that has the response already.
func againstBareNetHTTP(b versus.Bench, dir string) error {
	side, process, err := startNetHTTP(dir, netHTTPName, keepCommand)
	if err != nil {
		return err
	}
	defer process.Kill()
	if result, err := load.Closed(side.Target, 1, 10*time.Millisecond); err != nil || result.Good == 0 {
		return fmt.Errorf("%d bad answers, %v", result.Bad, err)
	}
	bare, bareProcess, err := startNetHTTP(dir, "bare net/http handler", repeatCommand, side.Target.Addr)
	if err != nil {
		return err
	}
	defer bareProcess.Kill()
	return measure(b, side, bare)
}

func startNetHTTP(dir, name string, args ...string) (versus.Side, *servers.Process, error) {
	process, addr, err := servers.StartSelf(filepath.Join(dir, args[0]+".log"), args...)
	if err != nil {
		return versus.Side{}, nil, err
	}
	target := load.Target{Addr: addr, Paths: []string{path}}
	return versus.Side{Name: name, PID: process.PID(), Target: target}, process, nil
}
