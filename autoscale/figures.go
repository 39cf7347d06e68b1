package main

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// simulated are the routes with a delay of their own, and those that are the proxy's checks.
const simulated = `route!~"/api/misc/heavy|/api/products/last|/readyz|/healthz"`

// queries returns the PromQL queries, by name, each of which yields one number. Rates are taken over window, of
// replicas that are up now.
func queries(window time.Duration) map[string]string {
	w := fmt.Sprintf("[%dms]", window.Milliseconds())
	const living = ` and on (instance) up{job="api"} == 1`
	calls := `woody_http_request_duration_seconds_%s{job="api", ` + simulated + `}`
	return map[string]string{
		"targets": `count(up{job="api"} == 1)`,
		// timestamp is the sample's time only of a metric alone; of an expression it is now.
		"age": `max(time() - timestamp(woody_http_in_flight{job="api"})` + living + `)`,
		"now": `sum(woody_http_in_flight{job="api"}` + living + `)`,
		// A request is in flight for as long as it takes: what they took in a second is how many there were on average.
		"in_flight": `sum(rate(woody_http_request_duration_seconds_sum{job="api", route!~"/readyz|/healthz"}` + w + `)` +
			living + `) or vector(0)`,
		"rate": `sum(rate(woody_http_request_duration_seconds_count{job="api", route!~"/readyz|/healthz"}` + w + `)` +
			living + `) or vector(0)`,
		"processor": `sum(rate(process_cpu_seconds_total{job="api"}` + w + `)` + living + `)`,
		"calls":     `sum(rate(` + fmt.Sprintf(calls, "count") + w + `)) or vector(0)`,
		"p99":       `histogram_quantile(0.99, sum by (le) (rate(` + fmt.Sprintf(calls, "bucket") + w + `)))`,
		"oldest":    `max(woody_orders_oldest_seconds{job="api"}` + living + `)`,
	}
}

// question returns all queries as one, whose series have their names as a label.
func question(window time.Duration) string {
	var parts []string
	for name, of := range queries(window) {
		parts = append(parts, fmt.Sprintf(`label_replace(%s, "signal", %q, "", "")`, of, name))
	}
	return strings.Join(parts, " or ")
}

// series is a series that Prometheus returns: its labels, a time, and a value, which is a string.
type series struct {
	Metric map[string]string
	Value  [2]json.RawMessage
}

// readFigures reads what Prometheus returned to the question: a list of series. It is an error if one is not there.
func readFigures(body []byte) (*Figures, error) {
	var all []series
	if err := json.Unmarshal(body, &all); err != nil {
		return nil, fmt.Errorf("read what Prometheus says: %w", err)
	}
	values := map[string]float64{}
	for _, s := range all {
		var text string
		if err := json.Unmarshal(s.Value[1], &text); err != nil {
			return nil, fmt.Errorf("read what Prometheus says: %w", err)
		}
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("read what Prometheus says: %w", err)
		}
		values[s.Metric["signal"]] = value
	}
	if values["calls"] == 0 {
		values["p99"] = 0 // of none: it is no number, or not there
	}
	for _, name := range []string{"targets", "age", "now", "in_flight", "rate", "processor", "calls", "p99", "oldest"} {
		value, there := values[name]
		if !there {
			return nil, fmt.Errorf("there is no %s in Prometheus", name)
		}
		if math.IsNaN(value) || math.IsInf(value, 0) || name != "age" && value < 0 {
			return nil, fmt.Errorf("the %s in Prometheus is %v", name, value)
		}
	}
	return &Figures{
		Targets: int(values["targets"]), Age: seconds(values["age"]), InFlight: values["in_flight"],
		Now: values["now"], Rate: values["rate"], Processor: values["processor"], P99: seconds(values["p99"]),
		Oldest: seconds(values["oldest"]),
	}, nil
}

// seconds returns a number of them as a time; the longest there is for more.
func seconds(s float64) time.Duration {
	if s > 1e9 {
		return math.MaxInt64
	}
	return time.Duration(s * float64(time.Second))
}
