package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// answered is, of each target, whether it answered one of the last few times that Prometheus asked: one late response
// of a busy machine is no fault.
const answered = "max_over_time(up[45s])"

// watched asks the Prometheus of stage observability for what it knows.
func (f *facts) watched(ctx context.Context, in inside, base string) {
	client := &http.Client{Transport: &http.Transport{DialContext: in.DialContext}}
	defer client.CloseIdleConnections()
	w := watcher{ctx: ctx, client: client, base: base}
	f.prometheus.alerts = w.alerts()
	f.prometheus.few = w.labels("woody_expected_targets unless on (job) "+
		"(count by (job) ("+answered+" == 1 and up) >= on (job) woody_expected_targets)", "job")
	for _, s := range w.query(answered + " == 0 and up == 0") {
		if !slices.Contains(f.prometheus.few, s.Metric["job"]) {
			f.prometheus.down = append(f.prometheus.down, s.Metric["job"]+" "+s.Metric["instance"])
		}
	}
	f.watchedClocks(&w)
	f.watchedDisks(&w)
	if f.prometheus.backups = f.has("backup"); f.prometheus.backups {
		for _, s := range w.query(`max({__name__=~"woody_backup_(last_)?good_timestamp_seconds"}) > 0`) {
			f.prometheus.backup = time.UnixMilli(int64(s.value() * 1000))
		}
	}
	f.prometheus.err = text(w.err)
}

// watchedClocks compares the clocks of the nodes with Prometheus', and that with this machine's.
func (f *facts) watchedClocks(w *watcher) {
	began := time.Now()
	var here time.Duration
	for _, s := range w.query("time()") {
		here = seconds(s.value()).Round(0) - time.Duration(began.Add(time.Since(began)/2).UnixNano())
	}
	for _, s := range w.query(`node_time_seconds{job="node"} - timestamp(node_time_seconds{job="node"})`) {
		f.addClock(f.nodeAt(s.Metric["instance"]), here+seconds(s.value()))
	}
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// watchedDisks looks at what is left of the nodes' disks.
func (f *facts) watchedDisks(w *watcher) {
	const of = `{job="node", fstype!~"tmpfs|ramfs"})`
	sizes := map[string]float64{}
	for _, s := range w.query("min by (instance, device) (node_filesystem_size_bytes" + of) {
		sizes[s.Metric["instance"]+" "+s.Metric["device"]] = s.value()
	}
	for _, s := range w.query("min by (instance, device) (node_filesystem_avail_bytes" + of) {
		f.disks = append(f.disks, disk{where: f.nodeAt(s.Metric["instance"]) + " (" + s.Metric["device"] + ")",
			free: s.value(), size: sizes[s.Metric["instance"]+" "+s.Metric["device"]]})
	}
}

// nodeAt returns the node at which a target of Prometheus is, HOST:PORT.
func (f *facts) nodeAt(instance string) string {
	host, _, _ := strings.Cut(instance, ":")
	for _, s := range f.services {
		for _, t := range s.tasks {
			for _, address := range t.addresses {
				if address == host {
					return "the node " + t.node
				}
			}
		}
	}
	return "the machine of " + instance
}

// watcher asks Prometheus. After an error it asks for nothing more.
type watcher struct {
	ctx    context.Context
	client *http.Client
	base   string
	err    error
}

type series struct {
	Metric map[string]string
	Value  [2]any
}

func (s series) value() float64 {
	word, _ := s.Value[1].(string)
	n, _ := strconv.ParseFloat(word, 64)
	return n
}

// data reads what an address of Prometheus' API has.
func (w *watcher) data(path string, into any) {
	if w.err != nil {
		return
	}
	body, _, err := get(w.ctx, w.client, w.base+path)
	if err != nil {
		w.err = err
		return
	}
	response := struct{ Data any }{into}
	if err := json.Unmarshal(body, &response); err != nil {
		w.err = fmt.Errorf("%s is not as Prometheus answers: %w", path, err)
	}
}

// query returns the series that PromQL is worth now, one for a scalar.
func (w *watcher) query(promql string) []series {
	var data struct {
		ResultType string
		Result     json.RawMessage
	}
	w.data("/api/v1/query?query="+url.QueryEscape(promql), &data)
	if w.err != nil {
		return nil
	}
	found := make([]series, 1)
	into := any(&found)
	if data.ResultType == "scalar" {
		into = &found[0].Value
	}
	if err := json.Unmarshal(data.Result, into); err != nil {
		w.err = fmt.Errorf("query %s: %w", promql, err)
	}
	return found
}

// labels returns the values of a label of what PromQL is worth now, sorted.
func (w *watcher) labels(promql, label string) (values []string) {
	for _, s := range w.query(promql) {
		values = append(values, s.Metric[label])
	}
	slices.Sort(values)
	return slices.Compact(values)
}

// alerts returns those that fire, critical ones first.
func (w *watcher) alerts() (firing []alert) {
	var data struct {
		Alerts []struct {
			State               string
			Labels, Annotations map[string]string
		}
	}
	w.data("/api/v1/alerts", &data)
	for _, a := range data.Alerts {
		if a.State == "firing" {
			firing = append(firing, alert{a.Labels["alertname"], a.Labels["severity"], a.Annotations["summary"],
				fmt.Sprint(a.Labels)})
		}
	}
	slices.SortFunc(firing, func(a, b alert) int {
		return cmp.Or(cmp.Compare(a.severity, b.severity), cmp.Compare(a.name, b.name),
			cmp.Compare(a.summary, b.summary))
	})
	return firing
}
