package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// mustStartNodeExporter starts an exporter of this machine's disk, and of what a text says, of the clock for instance.
func mustStartNodeExporter(t *testing.T, text string, collectors ...string) *servers.Exporter {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "more.prom"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	exporter, err := servers.StartNodeExporter("/proc", append(collectors, "--collector.disable-defaults",
		"--collector.textfile", "--collector.textfile.directory="+dir)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(exporter.Close)
	return exporter
}

const watchingRules = `groups:
  - name: test
    interval: 1s
    rules:
      - {record: woody_expected_targets, expr: vector(2), labels: {job: node}}
      - alert: Sick
        expr: sick == 1
        labels: {severity: warning}
        annotations: {summary: "{{ $labels.who }} is sick."}
`

// TestWhatPrometheusKnows starts a Prometheus that watches two machines, one of them with a wrong clock and a full
// disk, and checks what the doctor reads from it, also after that machine's exporter has been stopped.
func TestWhatPrometheusKnows(t *testing.T) {
	t.Parallel()
	well := mustStartNodeExporter(t, fmt.Sprintf("woody_backup_last_good_timestamp_seconds %d\nsick 0\n",
		time.Now().Add(-30*time.Hour).Unix()), "--collector.time")
	// It stands still, so that it is ahead of others for half an hour by ten hours and a few minutes.
	text := fmt.Sprintf("node_time_seconds %d\n", time.Now().Add(10*time.Hour+30*time.Minute).Unix()) +
		`node_filesystem_avail_bytes{device="overlay",fstype="overlay",mountpoint="/"} 5e9` + "\n" +
		`node_filesystem_size_bytes{device="overlay",fstype="overlay",mountpoint="/"} 100e9` + "\n" +
		`sick{who="Toy"} 1` + "\n"
	ill := mustStartNodeExporter(t, text)
	prometheus, err := servers.StartPrometheus(func(string) map[string]string {
		return map[string]string{"rules.yml": watchingRules, "prometheus.yml": fmt.Sprintf(
			"global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [rules.yml]\nscrape_configs:\n"+
				"  - job_name: node\n    static_configs: [{targets: [%q, %q]}]\n", well.Addr, ill.Addr)}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(prometheus.Close)
	look := func() facts {
		f := facts{now: time.Now(), leastFree: 10, services: []service{made("backup", "r/backup:1", 1)}}
		f.prometheus.there = true
		f.watched(t.Context(), here{&net.Dialer{}}, "http://"+prometheus.Addr)
		return f
	}
	awaitSays(t, look, []string{
		"The clock of the machine of " + ill.Addr + " is 10h",
		"5% of the disk of the machine of " + ill.Addr + " (overlay) is free (5.0 of 100.0 GB).",
		"The last good backup is 30 hours old.",
		"The alert Sick fires (warning): Toy is sick.",
	})
	ill.Kill()
	awaitSays(t, look, []string{
		"Fewer targets of the job node answer Prometheus than should (node-exporter)",
		"The last good backup is 30 hours old.",
	})
	prometheus.Kill()
	awaitSays(t, look, []string{"Prometheus does not answer: "})
}

// awaitSays waits until the findings say these things, and nothing else.
func awaitSays(t *testing.T, look func() facts, wanted []string) {
	t.Helper()
	var found findings
	for deadline := time.Now().Add(servers.Patience); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		found = judge(look())
		if len(found) == len(wanted) && !slices.ContainsFunc(wanted, func(says string) bool {
			return !slices.ContainsFunc(found, func(f finding) bool { return strings.HasPrefix(f.Says, says) })
		}) {
			return
		}
	}
	t.Fatalf("want findings that say\n%s\nnot\n%+v", strings.Join(wanted, "\n"), found)
}
