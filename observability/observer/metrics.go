package main

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// The ways to read, as the label path has them.
const (
	viaReplica = "replica"
	viaProxy   = "proxy"
)

// freshBuckets reach from an answer on the same machine to the longest time that fresh is waited for, in seconds.
var freshBuckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// metrics are what the observer publishes: 2 series of each name with the label path, and 1 of each other.
type metrics struct {
	registry                    *prometheus.Registry
	checked, stale, failedReads *prometheus.CounterVec
	fresh                       *prometheus.HistogramVec
	writes, failedWrites, lost  prometheus.Counter
	failedLookups               prometheus.Counter
	replicas                    prometheus.Gauge
}

func newMetrics() *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "woody_observer_" + name, Help: help})
	}
	byPath := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "woody_observer_" + name, Help: help},
			[]string{"path"})
	}
	m := &metrics{
		registry: prometheus.NewRegistry(),
		checked: byPath("checked_total",
			"Answers that were held against what had been acknowledged before the read began."),
		stale: byPath("stale_total", "Answers that were older than that."),
		fresh: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "woody_observer_fresh_seconds",
			Help: "From a write's acknowledgement to the first answer that has it: of the last replica, or by the " +
				"proxy.",
			Buckets: freshBuckets,
		}, []string{"path"}),
		failedReads:   byPath("read_failures_total", "Reads without an answer that could be held against anything."),
		writes:        counter("writes_total", "Writes that were sent, whatever became of them."),
		failedWrites:  counter("write_failures_total", "Writes that were not acknowledged."),
		lost:          counter("lost_total", "Times that the database had lost writes that were acknowledged."),
		failedLookups: counter("lookup_failures_total", "Lookups of the replicas to which DNS gave no address."),
		replicas: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "woody_observer_replicas", Help: "Replicas that are read.",
		}),
	}
	m.registry.MustRegister(m.checked, m.stale, m.fresh, m.failedReads, m.writes, m.failedWrites, m.lost,
		m.failedLookups,
		m.replicas, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectors.NewBuildInfoCollector())
	return m
}

// begin makes the series of a path from the beginning, so that the first stale answer shows as an increase.
func (m *metrics) begin(path string) {
	for _, counters := range []*prometheus.CounterVec{m.checked, m.stale, m.failedReads} {
		counters.WithLabelValues(path)
	}
	m.fresh.WithLabelValues(path)
}
