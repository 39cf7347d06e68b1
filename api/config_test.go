package main

import (
	"io"
	"testing"

	"github.com/woodytoys/woodytoys/api/store"
	"github.com/woodytoys/woodytoys/cache/outbox"
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

// TestDBDirect checks what the ledger is told of its database's address.
func TestDBDirect(t *testing.T) {
	for value, want := range map[string]outbox.Config{
		"off": {}, "on": {Direct: true}, "cluster": {Cluster: true},
	} {
		want.Namespace = namespace
		if got := (config{DBDirect: value}).outbox(nil); got != want {
			t.Errorf("%s: %+v, want %+v", value, got, want)
		}
	}
}
