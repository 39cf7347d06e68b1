package programs_test

import (
	"os"
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/internal/programs"
)

func TestFillPrometheus(t *testing.T) {
	shipped, err := os.ReadFile("../../observability/prometheus/prometheus.yml")
	if err != nil {
		t.Fatal(err)
	}
	filled, err := programs.FillPrometheus(string(shipped), map[string][]string{
		"api": {"127.0.0.1:1", "127.0.0.1:2"}, "prometheus": {"127.0.0.1:3"}, "alertmanager": {"127.0.0.1:4"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for want, times := range map[string]int{
		"targets: [127.0.0.1:1, 127.0.0.1:2]": 1, "targets: [127.0.0.1:3]": 1,
		"targets: [127.0.0.1:4]": 2, // the targets that are scraped, and the Alertmanagers that get alerts
		"dns_sd_configs":         0, "9090": 0, "scrape_interval: 10s": 1,
	} {
		if got := strings.Count(filled, want); got != times {
			t.Errorf("it has %d of %q, want %d", got, want, times)
		}
	}
	_, err = programs.FillPrometheus(string(shipped), map[string][]string{"elsewhere": {"127.0.0.1:1"}})
	if err == nil {
		t.Error("addresses that nobody looks for are no error")
	}
}
