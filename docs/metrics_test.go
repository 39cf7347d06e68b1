package docs_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/promcache"
)

// TestMetricsAreDescribed checks the cache's metrics against those that the operator's page names.
func TestMetricsAreDescribed(t *testing.T) {
	page, err := os.ReadFile("cache.md")
	if err != nil {
		t.Fatal(err)
	}
	c, err := cache.New(cache.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	descs := make(chan *prometheus.Desc, 1000)
	promcache.New("", c).Describe(descs)
	close(descs)
	names := map[string]bool{}
	for desc := range descs {
		name := regexp.MustCompile(`fqName: "cache_(\w+)"`).FindStringSubmatch(desc.String())[1]
		names[name] = true
		if !regexp.MustCompile(`\b` + name + `\b`).Match(page) {
			t.Errorf("cache.md does not name the metric %s", name)
		}
	}
	_, tables, _ := strings.Cut(string(page), "## What to watch")
	for _, name := range regexp.MustCompile(`\b[a-z_]+_(total|seconds|bytes|entries)\b`).FindAllString(tables, -1) {
		if !names[name] {
			t.Errorf("cache.md names %s, which is no metric", name)
		}
	}
}
