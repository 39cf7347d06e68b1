package drill

import (
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// observer has the page of the observer, with what the test says that it has found: the shop is not to be made stale
// for an alert.
type observer struct {
	addr   string
	silent atomic.Bool
	stale  *prometheus.CounterVec
}

func mustStartObserver(t *testing.T) *observer {
	t.Helper()
	registry := prometheus.NewRegistry()
	counter := func(name string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "woody_observer_" + name}, labels)
		registry.MustRegister(c)
		return c
	}
	o := &observer{stale: counter("stale_total", "path")}
	checked, failed := counter("checked_total", "path"), counter("read_failures_total", "path")
	writes, failedWrites := counter("writes_total"), counter("write_failures_total")
	fresh := prometheus.NewHistogramVec(
		prometheus.HistogramOpts{Name: "woody_observer_fresh_seconds"}, []string{"path"})
	registry.MustRegister(fresh)
	check := func() {
		for _, path := range []string{"proxy", "replica"} {
			checked.WithLabelValues(path).Add(1)
			o.stale.WithLabelValues(path).Add(0)
			failed.WithLabelValues(path).Add(0)
			fresh.WithLabelValues(path).Observe(0.004)
		}
		writes.WithLabelValues().Add(1)
		failedWrites.WithLabelValues().Add(0)
	}
	check()
	page := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	o.addr = strings.TrimPrefix(page.URL, "http://")
	stop := make(chan struct{})
	var ended sync.WaitGroup
	ended.Go(func() {
		ticker := time.NewTicker(50 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-stop:
				return
			case <-ticker.C:
				if !o.silent.Load() {
					check()
				}
			}
		}
	})
	t.Cleanup(func() {
		close(stop)
		ended.Wait()
		page.Close()
	})
	return o
}
