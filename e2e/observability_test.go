//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestLongObservability deploys the full sum of stages, and then stops one of its services: whoever is to be called is
// called, and called again when all is well.
func TestLongObservability(t *testing.T) {
	takes(t, 7*time.Minute)
	called := mustBeCalled(t)
	sum := []string{"deploy", "observability", "cdn", "ALERT_SPEED=30", "ALERT_WEBHOOK=" + called.url}
	began := time.Now()
	mustScript(t, sum[0], sum[1:]...)
	figuref("scripts/deploy cdn observability: %.0f s", time.Since(began).Seconds())
	watchers := []string{
		"prometheus", "alertmanager", "node-exporter", "database-exporter", "redis-exporter", "observer",
	}

	shop := []string{"reverse-proxy", "front", "api", "database", "redis", "cdn"}

	t.Run("targets", testTargets)
	t.Run("networks", testWatchersReachNoStore)
	t.Run("ports", testPortsAreClosed)
	t.Run("rights", func(t *testing.T) {
		_, database, _ := strings.Cut(secret(t, "database_exporter"), "password=")
		_, redis, _ := strings.Cut(secret(t, "redis_exporter"), `:6379":"`)
		redis, _, _ = strings.Cut(redis, `"`)
		for _, service := range watchers {
			wantLittle(t, service, database, redis, called.url)
		}
	})
	t.Run("alert", func(t *testing.T) { testAlert(t, called) })
	t.Run("deployed again", func(t *testing.T) {
		before := running(t, append(shop, watchers...)...)
		mustScript(t, sum[0], sum[1:]...)
		wantSame(t, "the same again", before, running(t, append(shop, watchers...)...))

		mustScript(t, sum[0], append(sum[1:], "ALERT_SPEED=29", "PROMETHEUS_PORT=9090")...)
		after := running(t, append(shop, watchers...)...)
		if after["prometheus"] == before["prometheus"] {
			t.Error("Prometheus goes on with the rules that it had")
		}
		before["prometheus"] = after["prometheus"]
		wantSame(t, "other rules", before, after)
		response, err := client.Get(nodeURL + ":9090/-/ready")
		if err != nil {
			t.Fatalf("Prometheus is not where PROMETHEUS_PORT says: %v", err)
		}
		response.Body.Close()
	})
	t.Run("scaled", func(t *testing.T) {
		mustScript(t, "scale", "api=2")
		awaitQuery(t, `woody_expected_targets{job="api"} == 2`, 1)
		awaitQuery(t, `woody_expected_targets{job="edge"} == 2`, 1)
	})
	series := value(t, "prometheus_tsdb_head_series")
	figuref("stage observability uses %.0f MB on one node, for %v series", memory(t, watchers...)/1e6, series)
	t.Run("doctor", testDoctor)
	t.Run("taken away", func(t *testing.T) {
		before := running(t, shop...)
		mustScript(t, "deploy", "cdn", "API_REPLICAS=2")
		wantSame(t, "the stage taken away", before, running(t, shop...))
		if left := mustDocker(t, "service", "ls", "-q", "--filter", "name=woody_prometheus"); left != "" {
			t.Error("Prometheus is left")
		}
	})
}

// sample is one series of a response of Prometheus.
type sample struct {
	Metric map[string]string
	Value  [2]any
}

// query asks Prometheus, in its container: it is published nowhere.
func query(t *testing.T, expression string) (samples []sample) {
	t.Helper()
	text := mustDocker(t, "exec", containers(t, "prometheus")[0], "promtool", "query", "instant", "-o", "json",
		"http://127.0.0.1:9090", expression)
	if err := json.Unmarshal([]byte(text), &samples); err != nil {
		t.Fatalf("%s: %v\n%s", expression, err, text)
	}
	return samples
}

// value returns the value of the one series that an expression has, as soon as it has one.
func value(t *testing.T, expression string) any {
	t.Helper()
	awaitQuery(t, expression, 1)
	samples := query(t, expression)
	if len(samples) != 1 {
		t.Fatalf("%s has %d series, want one", expression, len(samples))
	}
	return samples[0].Value[1]
}

// awaitQuery returns once an expression has that many series.
func awaitQuery(t *testing.T, expression string, series int) {
	t.Helper()
	for deadline := time.Now().Add(90 * time.Second); ; time.Sleep(500 * time.Millisecond) {
		got := query(t, expression)
		if len(got) == series {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s has %d series, want %d: %v", expression, len(got), series, got)
		}
	}
}

// testTargets checks that Prometheus has found every target, and that each exporter reaches what it reports on.
func testTargets(t *testing.T) {
	for job, n := range map[string]int{
		"api": 3, "proxy": 1, "edge": 2, "database": 1, "redis": 1, "node": 1, "observer": 1,
		"prometheus": 1, "alertmanager": 1,
	} {
		awaitQuery(t, fmt.Sprintf("up{job=%q} == 1", job), n)
	}
	for expression, n := range map[string]int{
		"mysql_up == 1":   1,
		"redis_up == 1":   1,
		"varnish_up == 1": 2,
		"woody_expected_targets unless on (job) (count by (job) (up == 1) == on (job) woody_expected_targets)": 0,
		`node_filesystem_size_bytes{mountpoint="/"} > 0`:                                                       1,
		`node_uname_info{nodename="` + swarmName + `1"}`:                                                       1,
		"mysql_global_variables_max_connections == 300":                                                        1,
		"redis_memory_max_bytes == 128 * 1024 * 1024":                                                          1,
		`count(count by (proxy) (haproxy_backend_active_servers{proxy=~"api|front|cdn"})) == 3`:                1,
		`prometheus_notifications_alertmanagers_discovered == 1`:                                               1,
		`scrape_samples_scraped > 4000`:                                                                        0,
	} {
		awaitQuery(t, expression, n)
	}
}

// inNetworkOf runs a command of the shell with a container's network, and nothing else of it.
func inNetworkOf(t *testing.T, service, command string) (string, error) {
	t.Helper()
	pid := mustDocker(t, "inspect", "--format", "{{.State.Pid}}", containers(t, service)[0])
	cmd := exec.Command("nsenter", "--net", "--target", pid, "timeout", "3", "bash", "-c", command)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// testWatchersReachNoStore asks from the watchers' networks for the database and Redis, which must not answer.
func testWatchersReachNoStore(t *testing.T) {
	for _, store := range []struct{ name, exporter, ask, answer string }{
		{"database", "database-exporter", "exec 3<>/dev/tcp/%s/3306 && head -c 40 <&3 | tr -cd '[:print:]'", "MariaDB"},
		{"redis", "redis-exporter", "exec 3<>/dev/tcp/%s/6379 && echo PING >&3 && head -c 5 <&3", "+PONG"},
	} {
		addresses := strings.Fields(mustDocker(t, "inspect", "--format",
			"{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}", containers(t, store.name)[0]))
		if len(addresses) != 1 {
			t.Errorf("%s is in the networks of %v, want one", store.name, addresses)
		}
		for _, address := range addresses {
			ask := fmt.Sprintf(store.ask, address)
			if text, err := inNetworkOf(t, store.exporter, ask); !strings.Contains(text, store.answer) {
				t.Errorf("%s does not answer its exporter (%v %q): this test asks wrongly", store.name, err, text)
			}
			for _, service := range []string{"prometheus", "alertmanager", "node-exporter", "observer"} {
				if text, _ := inNetworkOf(t, service, ask); strings.Contains(text, store.answer) {
					t.Errorf("%s answers %s at %s", store.name, service, address)
				}
			}
		}
	}
}

// testPortsAreClosed asks the node, from outside, for all that is inside.
func testPortsAreClosed(t *testing.T) {
	for _, port := range []string{
		"3306", "6379", "8080", "8081", "8082", "8404", "9090", "9093", "9094", "9100", "9104", "9121", "9131",
	} {
		if conn, err := net.DialTimeout("tcp", swarmNet+".1:"+port, 2*time.Second); err == nil {
			conn.Close()
			t.Errorf("port %s of the node is open", port)
		}
	}
	published := map[string]string{"woody_reverse-proxy": "80", "woody_grafana": "3000"}
	for name := range strings.FieldsSeq(mustDocker(t, "service", "ls", "--format", "{{.Name}}")) {
		got := mustDocker(t, "service", "inspect", "--format",
			"{{range .Spec.EndpointSpec.Ports}}{{.PublishedPort}} {{end}}", name)
		if got != published[name] {
			t.Errorf("%s publishes %q, want %q", name, got, published[name])
		}
	}
}

// testAlert stops a service, and starts it again.
func testAlert(t *testing.T, called *calledBack) {
	const line = "  ContainerDown  critical  redis\n"
	began := time.Now()
	mustDocker(t, "service", "scale", "--detach", "woody_redis-exporter=0")
	awaitStatus(t, "what is missing", func(status string) bool {
		_, missing, _ := strings.Cut(status, "than there should be:\n")
		return strings.Contains(missing, "  redis\n")
	})
	awaitStatus(t, "the alert", func(status string) bool { return strings.Contains(status, line) })
	called.await(t, "ContainerDown redis", "firing")
	figuref("a service is stopped: Alertmanager has called after %.0f s, at thirty times the speed",
		time.Since(began).Seconds())

	mustDocker(t, "service", "scale", "--detach", "woody_redis-exporter=1")
	called.await(t, "ContainerDown redis", "resolved")
	awaitStatus(t, "that the alert is over", func(status string) bool {
		return strings.Contains(status, "Alerts:") && !strings.Contains(status, line)
	})
	awaitSettled(t)
}

// awaitStatus returns once scripts/status shows something.
func awaitStatus(t *testing.T, what string, shown func(status string) bool) {
	t.Helper()
	for deadline := time.Now().Add(90 * time.Second); ; time.Sleep(500 * time.Millisecond) {
		text, _ := script("status") // it fails while a service is not settled
		if shown(text) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("scripts/status does not show %s:\n%s", what, text)
		}
	}
}

// calledBack is whoever is called with alerts.
type calledBack struct {
	url  string
	call chan struct{} // after each call

	mu   sync.Mutex
	last map[string]string // of an alert and its job, "ContainerDown redis", whether it is "firing" or "resolved"
}

// mustBeCalled listens in this process where the Swarm's nodes find it.
func mustBeCalled(t *testing.T) *calledBack {
	t.Helper()
	listener, err := net.Listen("tcp", swarmNet+".254:0")
	if err != nil {
		t.Fatal(err)
	}
	called := &calledBack{
		url:  "http://" + listener.Addr().String() + "/called",
		call: make(chan struct{}, 1),
		last: map[string]string{},
	}
	server := &http.Server{Handler: called}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	return called
}

func (c *calledBack) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var call struct {
		Alerts []struct {
			Status string
			Labels map[string]string
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&call); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, alert := range call.Alerts {
		c.last[alert.Labels["alertname"]+" "+alert.Labels["job"]] = alert.Status
	}
	select {
	case c.call <- struct{}{}:
	default: // nobody has looked since the one before
	}
}

// await returns once the last call about an alert says that it has that status.
func (c *calledBack) await(t *testing.T, alert, status string) {
	t.Helper()
	for timeout := time.After(90 * time.Second); ; {
		c.mu.Lock()
		last, all := c.last[alert], fmt.Sprint(c.last)
		c.mu.Unlock()
		if last == status {
			return
		}
		select {
		case <-c.call:
		case <-timeout:
			t.Fatalf("nobody was called to say that %s is %s; the last calls were %v", alert, status, all)
		}
	}
}

// running are the containers of services, those of each in one string.
func running(t *testing.T, services ...string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, service := range services {
		ids := containers(t, service)
		slices.Sort(ids)
		found[service] = strings.Join(ids, " ")
	}
	return found
}

func wantSame(t *testing.T, after string, before, now map[string]string) {
	t.Helper()
	for service, was := range before {
		if now[service] != was {
			t.Errorf("deployed with %s: %s runs in %s, want %s as before", after, service, now[service], was)
		}
	}
}

// memory is what services use together, in bytes, as the kernel counts it for their control groups.
func memory(t *testing.T, services ...string) (sum float64) {
	t.Helper()
	for _, service := range services {
		for _, container := range containers(t, service) {
			text := mustDocker(t, "stats", "--no-stream", "--format", "{{.MemUsage}}", container)
			used, _, _ := strings.Cut(text, " ")
			sum += mustParseSize(t, used)
		}
	}
	return sum
}

// mustParseSize reads what docker stats prints, such as 12.3MiB.
func mustParseSize(t *testing.T, text string) float64 {
	t.Helper()
	for unit, bytes := range map[string]float64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30} {
		if digits, ok := strings.CutSuffix(text, unit); ok {
			n, err := strconv.ParseFloat(digits, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n * bytes
		}
	}
	t.Fatalf("docker stats says %q", text)
	return 0
}
