package main

import "fmt"

// prompt are the calls that do not wait on purpose, as the objective has them.
const prompt = `job="api", route!~"/api/misc/heavy|/api/products/last|/readyz|/healthz"`

// loaded is how many reads that may be kept went to the database in a second, and read how many there were in all.
var (
	loaded = rate(`woody_cache_redis_misses_total{job="api"}`) + " + " +
		rate(`woody_cache_redis_bypasses_total{job="api"}`)
	read = rate(`woody_cache_near_hits_total{job="api"}`) + " + " + rate(`woody_cache_near_misses_total{job="api"}`)
)

// rate is the rate per second of all series of a counter together.
func rate(selector string) string { return "sum(rate(" + selector + "[$__rate_interval]))" }

// rateBy returns the same for each value of some labels.
func rateBy(labels, selector string) string {
	return fmt.Sprintf("sum by (%s) (rate(%s[$__rate_interval]))", labels, selector)
}

// quantile is a quantile of a histogram, of which the name is without _bucket, for each value of some labels.
func quantile(q float64, labels, name, selector string) string {
	if labels != "" {
		labels += ", "
	}
	return fmt.Sprintf("histogram_quantile(%g, sum by (%sle) (rate(%s_bucket{%s}[$__rate_interval])))",
		q, labels, name, selector)
}

// share is a part of a whole, both per second; 0 while the whole is nothing.
func share(part, whole string) string { return orZero(part + " / (" + whole + " > 0)") }

// orZero is a query whose healthy value is that nothing is there.
func orZero(expr string) string { return expr + " or vector(0)" }
