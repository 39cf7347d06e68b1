package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/internal/settings/settingstest"
)

// TestDefaultsStandOnce compares the stack files and the document with the settings.
func TestDefaultsStandOnce(t *testing.T) {
	defaults, err := commandLine.Defaults(&config{})
	if err != nil {
		t.Fatal(err)
	}
	settingstest.CheckStack(t, "../..", "observer", defaults)
	settingstest.CheckTable(t, "../../docs/observer.md", defaults)
}

// TestMetricsAreDescribed compares the metrics with those that the document names.
func TestMetricsAreDescribed(t *testing.T) {
	text, err := os.ReadFile("../../docs/observer.md")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, name := range regexp.MustCompile(`woody_observer_\w+`).FindAllString(string(text), -1) {
		names[name] = true
	}
	m := newMetrics()
	m.begin(viaReplica)
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		name := family.GetName()
		if strings.HasPrefix(name, "woody_") && !names[name] {
			t.Errorf("docs/observer.md does not name %s", name)
		}
		delete(names, name)
	}
	if len(names) > 0 {
		t.Errorf("docs/observer.md names %v, which are no metrics", names)
	}
}
