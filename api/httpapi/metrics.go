package httpapi

import (
	"maps"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"
)

// durationBuckets reach from a cached answer to the lab's slow query, in seconds.
var durationBuckets = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20}

type metrics struct {
	inFlight prometheus.Gauge
	duration *prometheus.HistogramVec
	// series remembers the series of each route, method and status: looking a series up by its
	// labels costs more than counting in it. A map is never changed once it is here.
	series atomic.Pointer[map[seriesKey]prometheus.Observer]
	adding sync.Mutex
}

type seriesKey struct {
	route  *fiber.Route
	method string
	status int
}

func newMetrics(registerer prometheus.Registerer) *metrics {
	m := &metrics{
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "woody_http_in_flight", Help: "Requests being answered.",
		}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "woody_http_request_duration_seconds", Help: "How long answers took.", Buckets: durationBuckets,
		}, []string{"route", "method", "status"}),
	}
	m.series.Store(&map[seriesKey]prometheus.Observer{})
	registerer.MustRegister(m.inFlight, m.duration)
	return m
}

func (m *metrics) observe(c *fiber.Ctx, took time.Duration) {
	key := seriesKey{route: c.Route(), method: c.Method(), status: c.Response().StatusCode()}
	series, ok := (*m.series.Load())[key]
	if !ok {
		series = m.add(key)
	}
	series.Observe(took.Seconds())
}

// add remembers a series. The method is copied: Fiber's is the connection's memory.
func (m *metrics) add(key seriesKey) prometheus.Observer {
	m.adding.Lock()
	defer m.adding.Unlock()
	key.method = strings.Clone(key.method)
	series := m.duration.WithLabelValues(routeLabel(key), key.method, strconv.Itoa(key.status))
	more := maps.Clone(*m.series.Load())
	more[key] = series
	m.series.Store(&more)
	return series
}

// routeLabel returns the route's pattern. What no handler took has one label for all, or callers could
// make up series without end; it ends at the middleware's own route.
func routeLabel(key seriesKey) string {
	path := key.route.Path
	switch {
	case key.status == fiber.StatusMethodNotAllowed,
		key.status == fiber.StatusNotFound && (path == "/" || path == "/api"):
		return "none"
	}
	return path
}
