package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// TestAgeOfWhatPrometheusHas has a Prometheus scrape a replica whose figure is a minute old, and checks that its age is
// that, and not that of the question.
func TestAgeOfWhatPrometheusHas(t *testing.T) {
	t.Parallel()
	then := time.Now().Add(-time.Minute)
	replica := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "woody_http_in_flight 3 %d\n", then.UnixMilli())
	}))
	t.Cleanup(replica.Close)
	prometheus, err := servers.StartPrometheus(func(string) map[string]string {
		return map[string]string{"prometheus.yml": fmt.Sprintf("global: {scrape_interval: 1s}\nscrape_configs:\n"+
			"  - job_name: api\n    static_configs: [{targets: [%q]}]\n", replica.Listener.Addr())}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(prometheus.Close)
	for deadline := time.Now().Add(servers.Patience); ; time.Sleep(200 * time.Millisecond) {
		body, err := askURL(t.Context(), "http://"+prometheus.Addr, queries(time.Minute)["age"])
		if err != nil {
			t.Fatal(err)
		}
		var found []series
		if err := json.Unmarshal(body, &found); err != nil {
			t.Fatal(err)
		}
		if len(found) == 1 {
			var text string
			if err := json.Unmarshal(found[0].Value[1], &text); err != nil {
				t.Fatal(err)
			}
			age, err := strconv.ParseFloat(text, 64)
			if most := time.Since(then) + time.Second; err != nil || age < 59 || age > most.Seconds() {
				t.Errorf("the age of a figure of %v ago is %s s, %v", time.Since(then), text, err)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("Prometheus has no figure of the replica")
		}
	}
}
