package main

import (
	"io"
	"testing"

	"github.com/woodytoys/woodytoys/api/store"
	"github.com/woodytoys/woodytoys/internal/settings/settingstest"
)

// TestDefaultsStandOnce checks the stack files against the settings.
func TestDefaultsStandOnce(t *testing.T) {
	defaults, err := commandLine.Defaults(&config{})
	if err != nil {
		t.Fatal(err)
	}
	settingstest.CheckStack(t, "..", "api", defaults)
}

// TestDefaultsAreTheStores checks the settings against the defaults of the package that they are for.
func TestDefaultsAreTheStores(t *testing.T) {
	var cfg config
	if _, err := commandLine.Parse(&cfg, nil, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	want := store.Config{}.WithDefaults()
	if cfg.DBPool != want.Pool || cfg.DBTimeout != want.Timeout || cfg.QueueTimeout != want.Wait {
		t.Errorf("the defaults are %d, %v and %v; the store's are %d, %v and %v",
			cfg.DBPool, cfg.DBTimeout, cfg.QueueTimeout, want.Pool, want.Timeout, want.Wait)
	}
}
