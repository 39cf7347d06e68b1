// Package admin is the operators' port: metrics and profiles, apart from what the public sees.
package admin

import (
	"context"
	"database/sql"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// NewRegistry returns a registry that has the Go runtime's, the process's and the build's metrics.
func NewRegistry() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectors.NewBuildInfoCollector(),
	)
	return registry
}

// WatchPools adds the metrics of connection pools, each under its name.
func WatchPools(registry prometheus.Registerer, pools map[string]*sql.DB) {
	for name, pool := range pools {
		registry.MustRegister(collectors.NewDBStatsCollector(pool, name))
	}
}

// Serve serves /metrics and /debug/pprof/ from ln until ctx ends, and has writeProbe serve PUT /probes/{name}. It
// closes ln.
func Serve(ctx context.Context, ln net.Listener, registry *prometheus.Registry, writeProbe http.Handler) error {
	mux := http.NewServeMux()
	mux.Handle("PUT /probes/{name}", writeProbe)
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{Registry: registry}))
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 75 * time.Second}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(ln); ctx.Err() == nil {
		return err
	}
	return nil
}
