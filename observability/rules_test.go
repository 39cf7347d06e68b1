package observability_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v2"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// allStages are the stages that have alerts of their own.
const allStages = "redis cdn database backup secure"

// rule is an alert, or a record that alerts use.
type rule struct {
	Alert, Record, Expr, For string
	Labels, Annotations      map[string]string
}

// mustParse returns the rules of a rendered file.
func mustParse(t *testing.T, rendered []byte) (all []rule) {
	t.Helper()
	var file struct {
		Groups []struct {
			Name, Interval string
			Rules          []rule
		}
	}
	if err := yaml.UnmarshalStrict(rendered, &file); err != nil {
		t.Fatal(err)
	}
	for _, group := range file.Groups {
		all = append(all, group.Rules...)
	}
	return all
}

// alertNames returns the names of the alerts in a rendered file, each once, in their order.
func alertNames(t *testing.T, rendered []byte) (names []string) {
	t.Helper()
	for _, r := range mustParse(t, rendered) {
		if r.Alert != "" && !slices.Contains(names, r.Alert) {
			names = append(names, r.Alert)
		}
	}
	return names
}

// TestRulesOfEachStage holds that whatever stages there are, Prometheus takes the rules and none is of another stage.
func TestRulesOfEachStage(t *testing.T) {
	foreign := map[string]*regexp.Regexp{
		"redis": regexp.MustCompile(`job="redis"|job: redis|woody_cache_|RedisDown`),
		"cdn":   regexp.MustCompile(`job="edge"|job: edge|varnish_|proxy="cdn"`),
		// the job is there in every stage, with one target
		"database": regexp.MustCompile(`wsrep_|DatabaseNodeDown`),
		"backup":   regexp.MustCompile(`job="backup"|job: backup|woody_backup_`),
		"secure":   regexp.MustCompile(`job="certificate"|job: certificate|woody_certificate_`),
	}
	for _, stages := range []string{"", "redis", "cdn", "redis cdn", "observability cdn redis", "baseline",
		"redis database", "redis backup"} {
		for _, speed := range []string{"1", "30"} {
			rendered := render(t, "--stages", stages, "--speed", speed)
			promtool(t, "check", "rules", mustWrite(t, "rules.yml", rendered))
			for stage, theirs := range foreign {
				if has := slices.Contains(strings.Fields(stages), stage); theirs.Match(rendered) != has {
					t.Errorf("of the stages %q, the rules say %s of %s", stages, theirs.Find(rendered), stage)
				}
			}
			if left := regexp.MustCompile(`<\d+[smh]|# (in|expected)`).Find(rendered); left != nil {
				t.Errorf("the template's %q is left", left)
			}
		}
	}
}

// TestRulesAreTheSameEachTime holds that the same arguments give the same bytes, by whatever awk there is: the name of
// the stack's configuration is made from them.
func TestRulesAreTheSameEachTime(t *testing.T) {
	args := []string{"--stages", allStages, "--speed", "30", "--expect", "api=3 node=0"}
	want := render(t, args...)
	tried := 0
	for _, name := range []string{"gawk", "mawk", "busybox", "original-awk"} {
		program, err := servers.LookPath(name)
		if err != nil {
			continue
		}
		tried++
		dir := t.TempDir()
		if err := os.Symlink(program, filepath.Join(dir, "awk")); err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
			if got := render(t, args...); !bytes.Equal(got, want) {
				t.Errorf("they are others than before:\n%s", got)
			}
		})
	}
	if tried == 0 {
		t.Error("no awk is here by its own name")
	}
}

// TestSpeed holds that durations are divided and nothing else is.
func TestSpeed(t *testing.T) {
	for speed, want := range map[string][]string{
		"1":  {"interval: 15s", "for: 2m", "[5m]", "ratio6h\n", "woody:calls:rate1m[6h]", "> 60\n", "> 14.4 *"},
		"7":  {"interval: 2143ms", "for: 17143ms", "[42857ms]", "[3085714ms]", "> 8.57143\n", "> 14.4 *"},
		"30": {"interval: 500ms", "for: 4s", "[10s]", "ratio6h\n", "woody:calls:rate1m[12m]", "> 2\n", "> 14.4 *"},
	} {
		rendered := render(t, "--stages", allStages, "--speed", speed)
		for _, text := range want {
			if !bytes.Contains(rendered, []byte(text)) {
				t.Errorf("at speed %s the rules do not say %q", speed, text)
			}
		}
	}
}

func TestExpectations(t *testing.T) {
	expected := map[string]string{}
	for _, r := range mustParse(t, render(t, "--stages", "redis", "--expect", "api=3 api=5 redis=0 grafana=1")) {
		if r.Record == "woody_expected_targets" {
			expected[r.Labels["job"]] += r.Expr
		}
	}
	want := map[string]string{"api": "vector(5)", "grafana": "vector(1)"}
	for _, job := range []string{"proxy", "database", "node", "observer", "prometheus", "alertmanager"} {
		want[job] = "vector(1)"
	}
	if len(expected) != len(want) {
		t.Errorf("targets are expected of %v, want %v", expected, want)
	}
	for job, expr := range want {
		if expected[job] != expr {
			t.Errorf("of %s, %q is expected, want %q", job, expected[job], expr)
		}
	}
}

func TestRulesRefuses(t *testing.T) {
	for _, row := range []struct {
		args []string
		want string
	}{
		{[]string{"--speed", "0"}, "a whole number from 1 to 1000"},
		{[]string{"--speed", "1001"}, "a whole number from 1 to 1000"},
		{[]string{"--speed", "99999999999999999999"}, "a whole number from 1 to 1000"},
		{[]string{"--speed", "1.5"}, "a whole number from 1 to 1000"},
		{[]string{"--speed"}, "--speed needs a value"},
		{[]string{"--expect", "api"}, "has 'api', and must have words such as api=3"},
		{[]string{"--expect", "api=3x"}, "has 'api=3x', and must have words such as api=3"},
		{[]string{"--expect", "a}b=3"}, "has 'a}b=3', and must have words such as api=3"},
		{[]string{"redis"}, "unknown argument 'redis'"},
	} {
		out, err := exec.Command("../scripts/rules", row.args...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), row.want) || strings.Contains(string(out), "groups:") {
			t.Errorf("scripts/rules %q: %v, %q; want it to refuse with %q", row.args, err, out, row.want)
		}
	}
	out, err := exec.Command("../scripts/rules", "--help").Output()
	if err != nil || !bytes.HasPrefix(out, []byte("usage: ")) {
		t.Errorf("scripts/rules --help: %v, %q", err, out)
	}
}

// TestAlerts runs the unit tests of the alerts at the durations that ship.
func TestAlerts(t *testing.T) {
	t.Parallel()
	rules := mustWrite(t, "rules.yml", render(t, "--stages", allStages))
	tests, err := os.ReadFile("prometheus/rules_test.yml")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(filepath.Dir(rules), "rules_test.yml")
	if err := os.WriteFile(file, tests, 0o644); err != nil {
		t.Fatal(err)
	}
	promtool(t, "test", "rules", file)
}

// TestEachAlertIsTested looks for a time at which each alert fires in those tests, and for one at which it does not.
func TestEachAlertIsTested(t *testing.T) {
	tests, err := os.ReadFile("prometheus/rules_test.yml")
	if err != nil {
		t.Fatal(err)
	}
	fires, rests := map[string]bool{}, map[string]bool{}
	check := regexp.MustCompile(
		`expr: 'ALERTS\{alertname="(\w+)", alertstate="firing"\}', eval_time: \w+(, exp_samples: )?`)
	for _, found := range check.FindAllStringSubmatch(string(tests), -1) {
		if found[2] != "" {
			fires[found[1]] = true
		} else {
			rests[found[1]] = true
		}
	}
	names := alertNames(t, render(t, "--stages", allStages))
	for _, name := range names {
		if !fires[name] || !rests[name] {
			t.Errorf("rules_test.yml shows %s firing: %v, and not firing: %v", name, fires[name], rests[name])
		}
	}
	for name := range fires {
		if !slices.Contains(names, name) {
			t.Errorf("rules_test.yml tests %s, which is no alert", name)
		}
	}
}
