package main

import (
	"io"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are what is said to operators.
type metrics struct {
	registry        *prometheus.Registry
	notAfter, inUse prometheus.Gauge
	failures        prometheus.Counter
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		notAfter: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "woody_certificate_not_after_seconds", Help: "When the certificate expires, as Unix time."}),
		inUse: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "woody_certificate_in_use", Help: "1 if this node's proxy has taken the certificate."}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "woody_certificate_failures_total",
			Help: "Looks, one a second, at which source, file or proxy was not as it should be."}),
	}
	m.registry.MustRegister(m.notAfter, m.inUse, m.failures)
	return m
}

// handler answers /metrics and /readyz. Who has begun is ready whatever the proxy does then: Prometheus finds the tasks
// that are healthy, and is to be told.
func (m *metrics) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, "ready\n")
	})
	return mux
}

// newServer returns a server of the handler.
func (m *metrics) newServer() *http.Server {
	return &http.Server{Handler: m.handler(), ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 75 * time.Second}
}
