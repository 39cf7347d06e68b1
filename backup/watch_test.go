package main

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/programs"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// mustWatch starts Prometheus as it ships, with the rules of stage backup, whose times are 300 times shorter, and waits
// until it finds all well.
func mustWatch(t *testing.T, k *keeping) *servers.Prometheus {
	t.Helper()
	render := exec.Command("../scripts/rules", "--stages", "backup", "--speed", "300")
	render.Stderr = os.Stderr
	rules, err := render.Output()
	if err != nil {
		t.Fatal(err)
	}
	shipped, err := os.ReadFile("../observability/prometheus/prometheus.yml")
	if err != nil {
		t.Fatal(err)
	}
	config, err := programs.FillPrometheus(string(shipped), map[string][]string{"backup": {k.URL[len("http://"):]}})
	if err != nil {
		t.Fatal(err)
	}
	prometheus, err := servers.StartPrometheus(func(string) map[string]string {
		return map[string]string{"prometheus.yml": programs.HurryPrometheus(config), "rules.yml": string(rules)}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(prometheus.Close)
	awaitTrue(t, prometheus, `woody_backup_ok{task="verify"} == 1 unless on () ALERTS{alertname="BackupFailing"}`)
	return prometheus
}

// awaitAlert waits until an alert fires.
func awaitAlert(t *testing.T, prometheus *servers.Prometheus, name string) {
	t.Helper()
	awaitTrue(t, prometheus, fmt.Sprintf(`ALERTS{alertname=%q, alertstate="firing"}`, name))
}

// awaitTrue waits until a query finds something.
func awaitTrue(t *testing.T, prometheus *servers.Prometheus, promql string) {
	t.Helper()
	for deadline := time.Now().Add(servers.Patience); ; time.Sleep(100 * time.Millisecond) {
		samples, err := prometheus.Query(promql)
		if err == nil && len(samples) > 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %v nothing is found by %s: %v", servers.Patience, promql, err)
		}
	}
}
