package httpapi

import (
	"maps"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"
)

// durationBuckets reach from a cached answer to the lab's slow query, in seconds.
var durationBuckets = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20}

type metrics struct {
	inFlight atomic.Int64
	duration *prometheus.HistogramVec
	// series remembers the series of each route and status: looking a series up by its
	// labels costs more than counting in it. A map is never changed once it is here.
	series atomic.Pointer[map[seriesKey]prometheus.Observer]
	adding sync.Mutex
}

// seriesKey is what a series is remembered by. Fiber has a route for each method.
type seriesKey struct {
	route  *fiber.Route
	status int
}

func newMetrics(registerer prometheus.Registerer) *metrics {
	m := &metrics{
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "woody_http_request_duration_seconds", Help: "How long answers took.", Buckets: durationBuckets,
		}, []string{"route", "method", "status"}),
	}
	m.series.Store(&map[seriesKey]prometheus.Observer{})
	inFlight := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "woody_http_in_flight", Help: "Requests being answered.",
	}, func() float64 { return float64(m.inFlight.Load()) })
	registerer.MustRegister(inFlight, m.duration)
	return m
}

func (m *metrics) observe(c *fiber.Ctx, took time.Duration) {
	key := seriesKey{route: c.Route(), status: c.Response().StatusCode()}
	series, ok := (*m.series.Load())[key]
	if !ok {
		series = m.add(key)
	}
	series.Observe(took.Seconds())
}

// add remembers a series.
func (m *metrics) add(key seriesKey) prometheus.Observer {
	m.adding.Lock()
	defer m.adding.Unlock()
	series := m.duration.WithLabelValues(routeLabel(key), key.route.Method, strconv.Itoa(key.status))
	more := maps.Clone(*m.series.Load())
	more[key] = series
	m.series.Store(&more)
	return series
}

// RouteOf returns the pattern of the route that handled a request, as the metrics name it; empty where no handler took
// it. It is to be called when the request has been handled.
func RouteOf(c *fiber.Ctx) string {
	if route := routeLabel(seriesKey{route: c.Route(), status: c.Response().StatusCode()}); route != "none" {
		return route
	}
	return ""
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
