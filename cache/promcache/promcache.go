// Package promcache gives what a cache counts to Prometheus.
//
//	registry.MustRegister(promcache.New("toys", c)) // toys_cache_near_hits_total, and so on
//
// A scrape reads cache.Cache.Stats, which waits for nothing: neither Redis nor a load. Loaders appear when they are
// made, the figures of a cluster in a cache that has one. After the cache was closed they stay as they are.
// docs/cache.md describes what to alert on.
package promcache

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/stats"
)

// New returns a collector of a cache's stats, which it reads at each scrape. Their names begin with NAMESPACE_cache_,
// or with cache_ where the namespace is empty. Two caches on one registry need namespaces of their own, or registries
// that are wrapped with labels: registering the second fails otherwise.
func New(namespace string, c *cache.Cache) prometheus.Collector {
	return newCollector(namespace, c.Stats)
}

// collector collects figures in the order in which they were described.
type collector struct {
	read    func() stats.Cache
	cache   []figure[stats.Cache]
	loader  []figure[stats.Loader]
	cluster []figure[stats.Cluster]

	fills, busLag, settled *prometheus.Desc
}

// figure is a metric whose value is read from a part of the stats.
type figure[T any] struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	read func(T) float64
}

const (
	counter = prometheus.CounterValue
	gauge   = prometheus.GaugeValue
)

func newCollector(namespace string, read func() stats.Cache) *collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName(namespace, "cache", name), help, labels, nil)
	}
	c := &collector{
		read:    read,
		fills:   desc("fill_duration_seconds", "How long fills took; its count is the number of fills.", "loader"),
		busLag:  desc("bus_lag_seconds", "How long a renewal took to come back over the bus connection."),
		settled: desc("invalidation_duration_seconds", "How long a write waited until every replica had heard."),
	}
	ofCache := func(kind prometheus.ValueType, name, help string, read func(stats.Cache) float64) {
		c.cache = append(c.cache, figure[stats.Cache]{desc(name, help), kind, read})
	}
	ofLoader := func(name, help string, read func(stats.Loader) uint64) {
		c.loader = append(c.loader, figure[stats.Loader]{
			desc(name, help, "loader"), counter, func(s stats.Loader) float64 { return float64(read(s)) },
		})
	}
	ofCluster := func(kind prometheus.ValueType, name, help string, read func(stats.Cluster) float64) {
		c.cluster = append(c.cluster, figure[stats.Cluster]{desc(name, help), kind, read})
	}
	ofCache(gauge, "near_entries", "Entries in the near cache.",
		func(s stats.Cache) float64 { return float64(s.Entries) })
	ofCache(gauge, "near_bytes", "Bytes in the near cache, keys and bookkeeping included.",
		func(s stats.Cache) float64 { return float64(s.Bytes) })
	ofCache(counter, "near_evictions_total", "Entries that the near cache dropped to keep its bound.",
		func(s stats.Cache) float64 { return float64(s.Evictions) })
	ofCache(counter, "invalidations_total", "Calls of Invalidate.",
		func(s stats.Cache) float64 { return float64(s.Invalidations) })
	ofCache(counter, "clears_total", "Calls of Clear.",
		func(s stats.Cache) float64 { return float64(s.Clears) })
	ofCache(gauge, "waiting", "Callers that wait for a fill, their own or another's.",
		func(s stats.Cache) float64 { return float64(s.Waiting) })

	ofLoader("near_hits_total", "Reads answered by the near cache.",
		func(s stats.Loader) uint64 { return s.Hits })
	ofLoader("near_misses_total", "Reads that the near cache could not answer.",
		func(s stats.Loader) uint64 { return s.Misses })
	ofLoader("joined_total", "Misses that waited for a fill which another caller began.",
		func(s stats.Loader) uint64 { return s.Joined })
	ofLoader("refreshes_total", "Fills begun ahead of an expiry.",
		func(s stats.Loader) uint64 { return s.Refreshes })
	ofLoader("refused_stores_total", "Fills whose fence was lost, and which were not kept.",
		func(s stats.Loader) uint64 { return s.Refused })
	ofLoader("failed_fills_total", "Fills that ended in an error.",
		func(s stats.Loader) uint64 { return s.Failed })
	ofLoader("batches_total", "Loads of several keys at once; each of the keys is a fill of its own.",
		func(s stats.Loader) uint64 { return s.Batches })
	ofLoader("redis_hits_total", "Fills that Redis answered, those included that waited there for another replica's.",
		func(s stats.Loader) uint64 { return s.SharedHits })
	ofLoader("redis_misses_total", "Fills that this replica was to load for all.",
		func(s stats.Loader) uint64 { return s.SharedMisses })
	ofLoader("redis_bypasses_total", "Fills that could not use Redis.",
		func(s stats.Loader) uint64 { return s.SharedAway })
	ofLoader("unencoded_total", "Fills whose value the codec could not encode, or is too large to be shared.",
		func(s stats.Loader) uint64 { return s.Unencoded })
	ofLoader("soft_timeouts_total", "Misses that left a load for a stale value after SoftTimeout.",
		func(s stats.Loader) uint64 { return s.SoftTimeouts })
	ofLoader("hard_timeouts_total", "Misses that left a load after HardTimeout, with a stale value or without.",
		func(s stats.Loader) uint64 { return s.HardTimeouts })
	ofLoader("stale_total", "Reads answered with a value whose TTL was over, since its load failed or was late.",
		func(s stats.Loader) uint64 { return s.Stale })

	ofCluster(counter, "invalidations_sent_total", "Announcements on the bus; one may stand for several writes.",
		func(s stats.Cluster) float64 { return float64(s.Sent) })
	ofCluster(counter, "invalidations_acknowledged_total", "Acknowledgements by replicas of this one's announcements.",
		func(s stats.Cluster) float64 { return float64(s.Acknowledged) })
	ofCluster(counter, "invalidations_timed_out_total", "Replicas that did not acknowledge in time and were evicted.",
		func(s stats.Cluster) float64 { return float64(s.TimedOut) })
	ofCluster(counter, "invalidations_replayed_total", "Records of the outbox carried out for a writer that had not.",
		func(s stats.Cluster) float64 { return float64(s.Replayed) })
	ofCluster(counter, "invalidations_handed_over_total",
		"Announcements made by another replica for this one, for want of Redis.",
		func(s stats.Cluster) float64 { return float64(s.HandedOver) })
	ofCluster(counter, "epochs_raised_total", "Times that this replica bumped the epoch, for want of Redis.",
		func(s stats.Cluster) float64 { return float64(s.Bumped) })
	ofCluster(counter, "redis_refused_stores_total", "Fills that Redis refused, since their fence was lost.",
		func(s stats.Cluster) float64 { return float64(s.Refused) })
	ofCluster(counter, "redis_full_total",
		"Fills that Redis had no room for: it is full, and drops nothing to make some.",
		func(s stats.Cluster) float64 { return float64(s.Full) })
	ofCluster(counter, "redis_errors_total", "Commands that Redis did not answer, or refused.",
		func(s stats.Cluster) float64 { return float64(s.Errors) })
	ofCluster(gauge, "members", "Replicas that writers wait for.",
		func(s stats.Cluster) float64 { return float64(s.Members) })
	ofCluster(gauge, "lease_waiting", "Fills that wait for another replica's.",
		func(s stats.Cluster) float64 { return float64(s.Waiting) })
	ofCluster(gauge, "lease_seconds",
		"How long this replica may answer from its caches without hearing more; zero or less: not at all.",
		func(s stats.Cluster) float64 { return max(s.Lease.Seconds(), -1) })
	ofCluster(gauge, "breaker_open", "1 while Redis is not asked, because it did not answer.",
		func(s stats.Cluster) float64 {
			if s.Away {
				return 1
			}
			return 0
		})
	ofCluster(gauge, "epoch", "The epoch, as this replica knows it.",
		func(s stats.Cluster) float64 { return float64(s.Epoch) })
	ofCluster(counter, "sessions_total", "How often this replica has registered.",
		func(s stats.Cluster) float64 { return float64(s.Sessions) })
	return c
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(to chan<- *prometheus.Desc) {
	for _, f := range c.cache {
		to <- f.desc
	}
	for _, f := range c.loader {
		to <- f.desc
	}
	for _, f := range c.cluster {
		to <- f.desc
	}
	to <- c.fills
	to <- c.busLag
	to <- c.settled
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(to chan<- prometheus.Metric) {
	s := c.read()
	collect(to, c.cache, s)
	for _, loader := range s.Loaders {
		collect(to, c.loader, loader, loader.Name)
		to <- histogram(c.fills, loader.Fills, loader.Name)
	}
	if s.Cluster != nil {
		collect(to, c.cluster, *s.Cluster)
		to <- histogram(c.busLag, s.Cluster.BusLag)
		to <- histogram(c.settled, s.Cluster.Settled)
	}
}

func collect[T any](to chan<- prometheus.Metric, figures []figure[T], s T, labels ...string) {
	for _, f := range figures {
		to <- prometheus.MustNewConstMetric(f.desc, f.kind, f.read(s), labels...)
	}
}

// histogram counts what is up to each bound, as Prometheus wants it.
func histogram(desc *prometheus.Desc, h stats.Histogram, labels ...string) prometheus.Metric {
	upTo, n := make(map[float64]uint64, len(h.Bounds)), uint64(0)
	for i, bound := range h.Bounds {
		n += h.Counts[i]
		upTo[bound.Seconds()] = n
	}
	return prometheus.MustNewConstHistogram(desc, h.Count(), h.Sum.Seconds(), upTo, labels...)
}
