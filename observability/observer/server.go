package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// server answers /metrics, /healthz and /readyz. The observer is ready whatever becomes of the shop: that is what it is
// there to see.
type server struct {
	http     http.Server
	draining atomic.Bool
}

func newServer(registry *prometheus.Registry) *server {
	s := &server{}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{Registry: registry}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { s.say(w, http.StatusOK, "alive\n") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if s.draining.Load() {
			s.say(w, http.StatusServiceUnavailable, "draining\n")
			return
		}
		s.say(w, http.StatusOK, "ready\n")
	})
	s.http = http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 75 * time.Second}
	return s
}

func (s *server) say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if s.draining.Load() {
		w.Header().Set("Connection", "close")
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // or the caller has left
}

// serve answers until ctx ends, then drains: for delay it still takes connections, and is not ready; what is under way
// then has the timeout to finish. It closes ln. It returns nil when everything was finished.
func (s *server) serve(ctx context.Context, ln net.Listener, delay, timeout time.Duration) error {
	failed := make(chan error, 1)
	go func() { failed <- s.http.Serve(ln) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	s.draining.Store(true)
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-time.After(delay):
	}
	bounded, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := s.http.Shutdown(bounded); err != nil {
		s.http.Close()
		return fmt.Errorf("requests were still under way after %v: %w", timeout, err)
	}
	return nil
}
