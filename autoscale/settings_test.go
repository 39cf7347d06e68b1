package main

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestSettings(t *testing.T) {
	for args, want := range map[string]string{
		"":                              "",
		"--min=3 --max=3":               "",
		"--min=0":                       "--min is 0",
		"--min=4 --max=3":               "--max is 3: write 4 (--min) to 50",
		"--max=51":                      "--max is 51",
		"--in-flight=NaN":               "--in-flight is NaN",
		"--in-flight=0":                 "--in-flight is 0",
		"--processor=+Inf":              "--processor is +Inf",
		"--p99=-1s":                     "--p99 is -1s",
		"--every=5m":                    "longer than --stale",
		"--down-after=10s":              "it would flap",
		"--every=soon":                  "--every",
		"--nonsense":                    "unknown flag --nonsense (see --help)",
		"api=3":                         "unexpected argument api=3",
		"--settle=10m --down-after=20m": "",
	} {
		_, _, err := parse(strings.Fields(args), &bytes.Buffer{}, &bytes.Buffer{})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", args, err, want)
		}
	}
}

// TestScript checks that the script says what it does, and what is missing.
func TestScript(t *testing.T) {
	t.Parallel()
	script := func(args ...string) (string, error) {
		cmd := exec.Command("../scripts/autoscale", args...)
		cmd.Env = append(os.Environ(), "DOCKER_HOST=unix:///none", "DOCKER_CONFIG="+t.TempDir())
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	help, err := script("--help")
	if err != nil {
		t.Fatalf("--help: %v\n%s", err, help)
	}
	for _, word := range []string{"usage: scripts/autoscale", "--dry-run", "--down-after", "--min", "Default: 2."} {
		if !strings.Contains(help, word) {
			t.Errorf("--help does not say %q:\n%s", word, help)
		}
	}
	if out, err := script(); err == nil || !strings.Contains(out, "Docker does not answer at unix:///none") {
		t.Errorf("without Docker: %v\n%s", err, out)
	}
	cmd := exec.Command("../scripts/expect", "api", "many")
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "write JOB N") {
		t.Errorf("expect api many: %v\n%s", err, out)
	}
}

// TestAnswersOfPrometheus reads what is no figure as none.
func TestAnswersOfPrometheus(t *testing.T) {
	series := func(name, value string) string {
		return `{"metric":{"signal":"` + name + `"},"value":[1795700000.5,"` + value + `"]}`
	}
	whole := map[string]string{"targets": "2", "age": "3.5", "now": "4", "in_flight": "1.25", "rate": "20",
		"processor": "0.5", "calls": "10", "p99": "0.2", "oldest": "0"}
	text := func(name, value string) string {
		var all []string
		for n, v := range whole {
			if n == name {
				v = value
			}
			if v != "-" {
				all = append(all, series(n, v))
			}
		}
		return "[" + strings.Join(all, ",") + "]"
	}
	f, err := readFigures([]byte(text("", "")))
	if err != nil || f.Targets != 2 || f.InFlight != 1.25 || f.Age.Seconds() != 3.5 || f.P99.Milliseconds() != 200 {
		t.Errorf("%+v, %v", f, err)
	}
	for name := range whole {
		for _, value := range []string{"-", "NaN", "+Inf", "x", "-1"} {
			f, err := readFigures([]byte(text(name, value)))
			if name == "age" && value == "-1" { // Decide refuses it
				continue
			}
			if err == nil {
				t.Errorf("%s is %s: %+v, want an error", name, value, f)
			}
		}
	}
	whole["calls"] = "0"
	for _, none := range []string{"-", "NaN"} {
		if f, err := readFigures([]byte(text("p99", none))); err != nil || f.P99 != 0 {
			t.Errorf("the p99 of no call is %s: %+v, %v; want 0", none, f, err)
		}
	}
	for _, response := range []string{"", "{}", "[", `[{"metric":{},"value":[1]}]`, "null"} {
		if f, err := readFigures([]byte(response)); err == nil {
			t.Errorf("%q: %+v, want an error", response, f)
		}
	}
}
