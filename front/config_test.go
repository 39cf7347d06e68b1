package main

import (
	"testing"

	"github.com/woodytoys/woodytoys/internal/settings/settingstest"
)

// TestDefaultsStandOnce checks the stack files and the README against the settings.
func TestDefaultsStandOnce(t *testing.T) {
	defaults, err := commandLine.Defaults(&config{})
	if err != nil {
		t.Fatal(err)
	}
	settingstest.CheckStack(t, "..", "front", defaults)
	settingstest.CheckTable(t, "README.md", defaults)
}
