package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestTheFilesAreUpToDate compares the dashboards that are committed with what is generated.
func TestTheFilesAreUpToDate(t *testing.T) {
	want := files()
	committed, err := filepath.Glob("../dashboards/*")
	if err != nil {
		t.Fatal(err)
	}
	if len(committed) != len(want) {
		t.Errorf("%d files are there, %v; want %d", len(committed), committed, len(want))
	}
	for name, content := range want {
		got, err := os.ReadFile(filepath.Join("../dashboards", name))
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("%s is not what is generated (%v): go run ./observability/grafana/generate", name, err)
		}
	}
}
