package promcache_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/promcache"
)

// mustRead makes a cache of one process, and reads a key of it three times.
func mustRead(t *testing.T) *cache.Cache {
	t.Helper()
	c, err := cache.New(cache.Config{})
	if err != nil {
		t.Fatal(err)
	}
	loader, err := cache.NewLoader[int](c, cache.Options{Name: "toy", TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		_, _, err := loader.Get(t.Context(), loader.Key("1"), nil,
			func(context.Context, *cache.Fill) (int, error) { return 1, nil })
		if err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func TestFigures(t *testing.T) {
	collector := promcache.New("shop", mustRead(t))
	err := testutil.CollectAndCompare(collector, strings.NewReader(`
# HELP shop_cache_near_entries Entries in the near cache.
# TYPE shop_cache_near_entries gauge
shop_cache_near_entries 1
# HELP shop_cache_near_hits_total Reads answered by the near cache.
# TYPE shop_cache_near_hits_total counter
shop_cache_near_hits_total{loader="toy"} 2
# HELP shop_cache_near_misses_total Reads that the near cache could not answer.
# TYPE shop_cache_near_misses_total counter
shop_cache_near_misses_total{loader="toy"} 1
`), "shop_cache_near_entries", "shop_cache_near_hits_total", "shop_cache_near_misses_total")
	if err != nil {
		t.Error(err)
	}
	if problems, err := testutil.CollectAndLint(collector); err != nil || len(problems) > 0 {
		t.Errorf("promlint finds %v (%v)", problems, err)
	}
}

// TestFillsAreAHistogram checks that what is below a bound is below all greater ones, as Prometheus has it.
func TestFillsAreAHistogram(t *testing.T) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(promcache.New("", mustRead(t)))
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != "cache_fill_duration_seconds" {
			continue
		}
		h := family.GetMetric()[0].GetHistogram()
		var counts []uint64
		for _, bucket := range h.GetBucket() {
			counts = append(counts, bucket.GetCumulativeCount())
		}
		if h.GetSampleCount() != 1 || !slices.IsSorted(counts) || counts[len(counts)-1] != 1 {
			t.Errorf("%d fills, by bound %v; want one, in the last bucket and those from its own on",
				h.GetSampleCount(), counts)
		}
		return
	}
	t.Error("there is no histogram of fills")
}

func TestTwoCachesNeedTwoNames(t *testing.T) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(promcache.New("one", mustRead(t)))
	if err := registry.Register(promcache.New("one", mustRead(t))); err == nil {
		t.Error("the second cache's metrics were taken, or left out")
	}
	if err := registry.Register(promcache.New("two", mustRead(t))); err != nil {
		t.Error(err)
	}
}
