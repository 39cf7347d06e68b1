package observability_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const runbookURL = "https://github.com/woodytoys/woodytoys/blob/main/docs/runbook.md#"

// TestAlertsSaySomething holds that each alert has a severity, says what is the matter, and leads to its section.
func TestAlertsSaySomething(t *testing.T) {
	for _, r := range mustParse(t, render(t, "--stages", allStages)) {
		if r.Alert == "" {
			continue
		}
		if severity := r.Labels["severity"]; severity != "critical" && severity != "warning" {
			t.Errorf("%s has the severity %q", r.Alert, severity)
		}
		for _, name := range []string{"summary", "description"} {
			if r.Annotations[name] == "" {
				t.Errorf("%s has no %s", r.Alert, name)
			}
		}
		if got, want := r.Annotations["runbook"], runbookURL+strings.ToLower(r.Alert); got != want {
			t.Errorf("%s leads to %s, want %s", r.Alert, got, want)
		}
	}
}

// TestRunbook compares the runbook's sections with the alerts, and what each section has.
func TestRunbook(t *testing.T) {
	text, err := os.ReadFile("../docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	names := alertNames(t, render(t, "--stages", allStages))
	sections := strings.Split(string(text), "\n### ")[1:]
	var described []string
	for _, section := range sections {
		name, body, _ := strings.Cut(section, "\n")
		described = append(described, name)
		if !slices.Contains(names, name) {
			t.Errorf("the runbook describes %s, which is no alert", name)
		}
		for _, part := range []string{"\n**It means** ", "\n**Look** ", "\n**Do** "} {
			if n := strings.Count(body, part); n != 1 {
				t.Errorf("the section %s has %d parts %q, want one", name, n, strings.TrimSpace(part))
			}
		}
	}
	for _, name := range names {
		if !slices.Contains(described, name) {
			t.Errorf("the runbook does not describe %s", name)
		}
	}
	anchors := map[string]bool{}
	for _, name := range described {
		anchors[strings.ToLower(name)] = true
	}
	for _, link := range regexp.MustCompile(`\]\(#([^)]+)\)`).FindAllStringSubmatch(string(text), -1) {
		if !anchors[link[1]] {
			t.Errorf("the runbook leads to #%s, where nothing is", link[1])
		}
	}
}
