package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
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

// TestEmptySecret checks that a database whose secret has nothing in it is not taken for none.
func TestEmptySecret(t *testing.T) {
	file := filepath.Join(t.TempDir(), "dsn")
	if err := os.WriteFile(file, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, err := parseConfig([]string{"--db-dsn-file=" + file}, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "WOODY_DB_DSN_FILE: "+file+" is empty") {
		t.Errorf("an empty secret: %v", err)
	}
}

// TestAdministratorsPassword checks what may be in its file.
func TestAdministratorsPassword(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	for content, want := range map[string]string{
		"a good long password\n": "", "short": "WOODY_ADMIN_PASSWORD_FILE: A password has at least 10 characters.",
		"": "WOODY_ADMIN_PASSWORD_FILE: " + file + " is empty", "Admin12345": "WOODY_ADMIN_PASSWORD_FILE: ",
	} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, _, err := parseConfig([]string{"--accounts=on", "--admin-password-file=" + file}, io.Discard, io.Discard)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", content, err, want)
		}
		if err == nil && cfg.adminPassword != "a good long password" {
			t.Errorf("the password is %q", cfg.adminPassword)
		}
	}
	_, _, err := parseConfig([]string{"--admin-password-file=" + file}, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "set WOODY_ACCOUNTS=on too") {
		t.Errorf("a password without accounts: %v", err)
	}
}

// TestTrustedProxies reads networks, and refuses what is none.
func TestTrustedProxies(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "[]",
		"10.0.0.0/8":                     "[10.0.0.0/8]",
		"10.0.0.0/8, fd00::/8,192.0.2.7": "[10.0.0.0/8 fd00::/8 192.0.2.7/32]",
		"2001:db8::1":                    "[2001:db8::1/128]",
		"10.0.0.0/33":                    "",
		"edge":                           "",
		"10.0.0.0/8 192.168.0.0/16":      "",
		"10.0.0.0/8,,192.168.0.0/16":     "",
		"10.0.0.0/8,tasks.reverse-proxy": "",
	} {
		t.Setenv("WOODY_TRUSTED_PROXIES", text)
		cfg, _, err := parseConfig(nil, io.Discard, io.Discard)
		if want == "" {
			if err == nil || !strings.Contains(err.Error(), "WOODY_TRUSTED_PROXIES: ") {
				t.Errorf("%q: %v", text, err)
			}
			continue
		}
		got, _ := cfg.trustedProxies()
		if err != nil || fmt.Sprint(got) != want {
			t.Errorf("%q: %v, %v, want %s", text, got, err, want)
		}
	}
}

// TestDBDirect checks what the ledger learns of its database's address.
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
