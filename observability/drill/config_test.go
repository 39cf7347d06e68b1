package drill

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/programs"
)

// speed is how much shorter the rules' durations are.
const speed = "30"

// budgetSpeed is how much shorter than that the longer windows of the error budget are. The drill ends when the slower
// of its alerts has gone, for which one of these has to pass after everything else.
const budgetSpeed = 4

// budgetWindows finds these in the rules: those of minutes. The shortest has ten seconds.
var budgetWindows = regexp.MustCompile(`(avg_over_time\(woody:[\w:]+\[)(\d+m)\]`)

// widenMinuteRates replaces 2s windows (a minute, sped up) by 4s: at one scrape a second, a late scrape would leave too
// few samples for a rate, and alerts would start over.
var widenMinuteRates = strings.NewReplacer("[2s]", "[4s]")

// mustRender returns the rules for all stages, by which so many replicas are expected, and no keeper of a certificate,
// which stands beside a proxy in a Swarm alone.
func mustRender(t *testing.T, replicas int) string {
	t.Helper()
	cmd := exec.Command("../../scripts/rules", "--stages", "redis cdn secure", "--speed", speed,
		"--expect", fmt.Sprint("api=", replicas, " certificate=0"))
	cmd.Stderr = os.Stderr
	rules, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if !budgetWindows.Match(rules) {
		t.Fatal("the rules have no rates of the error budget over minutes")
	}
	return budgetWindows.ReplaceAllStringFunc(widenMinuteRates.Replace(string(rules)), func(rate string) string {
		part := budgetWindows.FindStringSubmatch(rate)
		window, err := time.ParseDuration(part[2])
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%s%dms]", part[1], window.Milliseconds()/budgetSpeed)
	})
}

// mustConfigure returns the configuration of Prometheus that ships, with addresses in the place of those that Swarm's
// DNS would answer for a service, and a second between two looks.
func mustConfigure(t *testing.T, addresses map[string][]string) string {
	t.Helper()
	shipped, err := os.ReadFile("../prometheus/prometheus.yml")
	if err != nil {
		t.Fatal(err)
	}
	config, err := programs.FillPrometheus(string(shipped), addresses)
	if err != nil {
		t.Fatal(err)
	}
	return programs.HurryPrometheus(config)
}

// alertmanagerConfig sends each alert by itself, at once, to the URL.
func alertmanagerConfig(url string) string {
	return fmt.Sprintf(`
route: {receiver: pager, group_by: ["..."], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}
receivers:
  - name: pager
    webhook_configs: [{url: %q, send_resolved: true}]
`, url)
}
