package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// metrics are what the program publishes.
type metrics struct {
	registry              *prometheus.Registry
	good, until, verified prometheus.Gauge
	ok                    *prometheus.GaugeVec
	runs, failures        *prometheus.CounterVec
	seconds               *prometheus.GaugeVec
	gaps                  prometheus.Counter
	bytes                 prometheus.Gauge
}

func newMetrics() *metrics {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: "woody_backup_" + name, Help: help})
	}
	byTask := []string{"task"}
	m := &metrics{
		registry: prometheus.NewRegistry(),
		good: gauge("good_timestamp_seconds",
			"When the newest backup that was restored and compared was taken; 0 for none."),
		until: gauge("logs_timestamp_seconds",
			"Everything that was acknowledged before then is in the repository; 0 for nothing."),
		verified: gauge("verified_timestamp_seconds",
			"When a backup was last restored once more, and the whole repository read; 0 for never."),
		ok: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "woody_backup_ok",
			Help: "1 if the last run of the task went well, 0 if it failed."}, byTask),
		runs: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "woody_backup_runs_total",
			Help: "Runs of the task that ended, well or not."}, byTask),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "woody_backup_failures_total",
			Help: "Runs of the task that failed."}, byTask),
		seconds: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "woody_backup_duration_seconds",
			Help: "How long the last run of the task that went well took."}, byTask),
		gaps: prometheus.NewCounter(prometheus.CounterOpts{Name: "woody_backup_gaps_total",
			Help: "Times that the database had no log any more from where it was wanted."}),
		bytes: gauge("dump_bytes", "The size of the last dump, before compression."),
	}
	m.registry.MustRegister(m.good, m.until, m.verified, m.ok, m.runs, m.failures, m.seconds, m.gaps, m.bytes,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectors.NewBuildInfoCollector())
	for _, t := range tasks {
		m.ok.WithLabelValues(string(t)).Set(1)
		m.runs.WithLabelValues(string(t))
		m.failures.WithLabelValues(string(t))
	}
	return m
}

// ended notes the end of a task.
func (m *metrics) ended(t task, began time.Time, err error) {
	name := string(t)
	m.runs.WithLabelValues(name).Inc()
	if err != nil {
		m.ok.WithLabelValues(name).Set(0)
		m.failures.WithLabelValues(name).Inc()
		return
	}
	m.ok.WithLabelValues(name).Set(1)
	m.seconds.WithLabelValues(name).Set(time.Since(began).Seconds())
}

func stamp(g prometheus.Gauge, t time.Time) {
	if t.IsZero() {
		g.Set(0)
		return
	}
	g.Set(float64(t.UnixMilli()) / 1000)
}
