package main

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

// TestMetricsKeepToTheConventions checks the metrics with promlint, and counts the series of our own.
func TestMetricsKeepToTheConventions(t *testing.T) {
	m := newMetrics()
	m.begin(viaReplica)
	m.begin(viaProxy)
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v, %v", problems, err)
	}
	series := 0
	for _, family := range families {
		if !strings.HasPrefix(family.GetName(), "woody_") {
			continue
		}
		for _, metric := range family.GetMetric() {
			series++
			if h := metric.Histogram; h != nil {
				series += len(h.GetBucket()) + 2 // +Inf, the sum, and the count that is counted already
			}
		}
	}
	if series != 45 {
		t.Errorf("%d series, docs/observer.md says 45", series)
	}
}
