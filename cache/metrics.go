package cache

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics count for each loader and for the cache as a whole. For each loader
//
//	gets = hits + misses
//	misses = joined callers + fills that a caller began + those who gave up + HEADs, which fill nothing
//
// while refreshes are fills that no read waited for. In a cluster
//
//	fills begun = redis hits + loads, and loads = redis misses + redis bypasses
type metrics struct {
	hits, misses, joined, refreshes, refused, failed *prometheus.CounterVec
	sharedHits, sharedMisses, sharedAway, unencoded  *prometheus.CounterVec
	duration                                         *prometheus.HistogramVec
	evictions, invalidations                         prometheus.Counter
	waiting                                          prometheus.Gauge
}

// meter is one loader's part of the metrics.
type meter struct {
	hits, misses, joined, refreshes, refused, failed prometheus.Counter
	sharedHits, sharedMisses, sharedAway, unencoded  prometheus.Counter
	duration                                         prometheus.Observer
}

// newMetrics fails when the registerer has another cache's metrics already.
func newMetrics(registerer prometheus.Registerer, keep keep) (*metrics, error) {
	var all []prometheus.Collector
	vec := func(name, help string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "woody_cache_" + name, Help: help}, []string{"route"})
		all = append(all, v)
		return v
	}
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: "woody_cache_" + name, Help: help})
		all = append(all, c)
		return c
	}
	m := &metrics{
		hits:          vec("near_hits_total", "Reads answered by the near cache."),
		misses:        vec("near_misses_total", "Reads that the near cache could not answer."),
		joined:        vec("joined_total", "Misses that waited for a fill which another caller began."),
		refreshes:     vec("refreshes_total", "Fills begun ahead of an expiry."),
		refused:       vec("refused_stores_total", "Fills whose fence was lost, and which were not kept."),
		failed:        vec("failed_fills_total", "Fills that ended in an error."),
		sharedHits:    vec("redis_hits_total", "Fills that Redis answered, those included that waited there for another replica's."),
		sharedMisses:  vec("redis_misses_total", "Fills that this replica was to load for all."),
		sharedAway:    vec("redis_bypasses_total", "Fills that could not use Redis."),
		unencoded:     vec("unencoded_total", "Fills whose value the codec could not encode, by an error or a panic."),
		evictions:     counter("near_evictions_total", "Entries that the near cache dropped to keep its bound."),
		invalidations: counter("invalidations_total", "Calls of Invalidate."),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "woody_cache_fill_duration_seconds", Help: "How long fills took; its count is the number of fills.",
			Buckets: prometheus.ExponentialBuckets(.0001, 4, 10),
		}, []string{"route"}),
	}
	m.waiting = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "woody_cache_waiting", Help: "Callers that wait for a fill, their own or another's.",
	})
	all = append(all, m.duration, m.waiting,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "woody_cache_near_entries", Help: "Entries in the near cache.",
		}, func() float64 { entries, _ := keep.usage(); return float64(entries) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "woody_cache_near_bytes", Help: "Bytes in the near cache, keys and bookkeeping included.",
		}, func() float64 { _, bytes := keep.usage(); return float64(bytes) }))
	for _, collector := range all {
		if err := registerer.Register(collector); err != nil {
			return nil, fmt.Errorf("cache: register the metrics (one cache for each registerer): %w", err)
		}
	}
	return m, nil
}

func (m *metrics) meter(route string) *meter {
	return &meter{
		hits: m.hits.WithLabelValues(route), misses: m.misses.WithLabelValues(route), joined: m.joined.WithLabelValues(route),
		refreshes: m.refreshes.WithLabelValues(route), refused: m.refused.WithLabelValues(route),
		sharedHits: m.sharedHits.WithLabelValues(route), sharedMisses: m.sharedMisses.WithLabelValues(route),
		sharedAway: m.sharedAway.WithLabelValues(route), unencoded: m.unencoded.WithLabelValues(route),
		failed: m.failed.WithLabelValues(route), duration: m.duration.WithLabelValues(route),
	}
}

func (m *meter) filled(took time.Duration, err error) {
	m.duration.Observe(took.Seconds())
	if err != nil {
		m.failed.Inc()
	}
}
