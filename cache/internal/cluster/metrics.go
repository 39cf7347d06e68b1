package cluster

import (
	"fmt"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are what an operator sees of the protocol.
type metrics struct {
	sent, acknowledged, timedOut, replayed, handedOver, bumped, refused, full, errors prometheus.Counter
	busLag, carried                                                                   prometheus.Histogram
	members, waiting                                                                  prometheus.Gauge
	sessions                                                                          atomic.Int64

	all []prometheus.Collector
}

func newMetrics() *metrics {
	var all []prometheus.Collector
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: "woody_cache_" + name, Help: help})
		all = append(all, c)
		return c
	}
	histogram := func(name, help string) prometheus.Histogram {
		h := prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "woody_cache_" + name, Help: help, Buckets: prometheus.ExponentialBuckets(.0001, 3, 11),
		})
		all = append(all, h)
		return h
	}
	gauge := func(name, help string) prometheus.Gauge {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Name: "woody_cache_" + name, Help: help})
		all = append(all, g)
		return g
	}
	m := &metrics{
		sent:         counter("invalidations_sent_total", "Announcements on the bus; one may stand for several writes."),
		acknowledged: counter("invalidations_acknowledged_total", "Acknowledgements by replicas of this one's announcements."),
		timedOut:     counter("invalidations_timed_out_total", "Replicas that did not acknowledge in time and were evicted."),
		replayed:     counter("invalidations_replayed_total", "Records of the outbox carried out for a writer that had not."),
		handedOver:   counter("invalidations_handed_over_total", "Announcements made by another replica for this one, for want of Redis."),
		bumped:       counter("epochs_raised_total", "Times that this replica bumped the epoch, for want of Redis."),
		refused:      counter("redis_refused_stores_total", "Fills that Redis refused, since their fence was lost."),
		full:         counter("redis_full_total", "Fills that Redis had no room for: it is full, and drops nothing to make some."),
		errors:       counter("redis_errors_total", "Commands that Redis did not answer, or refused."),
		busLag:       histogram("bus_lag_seconds", "How long a renewal took to come back over the bus connection."),
		carried:      histogram("invalidation_duration_seconds", "How long a write waited until every replica had heard."),
		members:      gauge("members", "Replicas that writers wait for."),
		waiting:      gauge("lease_waiting", "Fills that wait for another replica's."),
	}
	m.all = all
	return m
}

// observe adds what is read from a replica's parts, and registers all.
func (n *Node) observe() error {
	m := n.metrics
	watch := func(name, help string, read func() float64) {
		m.all = append(m.all, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "woody_cache_" + name, Help: help}, read))
	}
	watch("lease_seconds", "How long this replica may answer from its caches without hearing more; zero or less: not at all.", func() float64 {
		return max(float64(n.lease.until.Load()-n.Now())/1e9, -1)
	})
	watch("breaker_open", "1 while Redis is not asked, because it did not answer.", func() float64 {
		if n.members.ready() == nil {
			return 1
		}
		return 0
	})
	watch("epoch", "The epoch, as this replica knows it.", func() float64 {
		state, _ := n.watch.current()
		return float64(state.Epoch)
	})
	watch("sessions", "How often this replica has registered.", func() float64 { return float64(m.sessions.Load()) })
	for _, collector := range m.all {
		if err := n.Registerer.Register(collector); err != nil {
			return fmt.Errorf("cache: register the metrics: %w", err)
		}
	}
	return nil
}
