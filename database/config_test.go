package main

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/internal/settings/settingstest"
)

// TestDefaultsStandOnce checks the stack files and the README against the settings.
func TestDefaultsStandOnce(t *testing.T) {
	defaults, err := commandLine.Defaults(&config{})
	if err != nil {
		t.Fatal(err)
	}
	settingstest.CheckStack(t, "..", "database", defaults)
	settingstest.CheckTable(t, "README.md", defaults)
}

func TestConfig(t *testing.T) {
	t.Setenv("WOODY_DB_PASSWORD", "it's")
	t.Setenv("WOODY_DB_NODES", "a=127.0.0.1, b ,c")
	cfg, command, err := parseConfig([]string{"--node=b"}, io.Discard, io.Discard)
	if err != nil || command != "serve" {
		t.Fatalf("command %q, %v", command, err)
	}
	if got := fmt.Sprint(cfg.order); got != "[{a 127.0.0.1} {b b} {c c}]" {
		t.Errorf("the nodes are %s", got)
	}
	for _, want := range []string{
		"wsrep-sst-donor=c,a\n", "wsrep-node-name=b\n", "innodb-buffer-pool-size=256000000\n",
		"bind-address=10.0.0.2\n",
	} {
		if !strings.Contains(cfg.optionFile("10.0.0.2"), want) {
			t.Errorf("the option file has no %s", want)
		}
	}
	if got, err := cfg.statements(); err != nil || !strings.Contains(got, `IDENTIFIED BY 'it\'s';`) {
		t.Errorf("the statements are %s, %v", got, err)
	}
}

func TestConfigRefuses(t *testing.T) {
	for _, test := range []struct{ setting, value, want string }{
		{"WOODY_DB_NODE", "d", `WOODY_DB_NODE is "d", which is none of WOODY_DB_NODES (a,b,c)`},
		{"WOODY_DB_NODES", "a,b", "WOODY_DB_NODES has 2 names: write three"},
		{"WOODY_DB_NODES", "a,b,a", `WOODY_DB_NODES has "a"`},
		{"WOODY_DB_NODES", "a,b,c=d", `WOODY_DB_NODES has "c=d"`},
		{"WOODY_DB_NAME", "x`y", "WOODY_DB_NAME"},
		{"WOODY_DB_USERS_FILE", "/none", "WOODY_DB_USERS_FILE"},
		{"WOODY_DB_PASSWORD", "", "WOODY_DB_PASSWORD_FILE must name a file"},
		{"WOODY_DB_WRITE_SETS", "much", "WOODY_DB_WRITE_SETS"},
	} {
		t.Run(test.setting, func(t *testing.T) {
			t.Setenv("WOODY_DB_PASSWORD", "x")
			t.Setenv("WOODY_DB_NODE", "a")
			t.Setenv("WOODY_DB_NODES", "a,b,c")
			t.Setenv(test.setting, test.value)
			if _, _, err := parseConfig(nil, io.Discard, io.Discard); err == nil ||
				!strings.Contains(strings.Join(strings.Fields(err.Error()), " "), test.want) {
				t.Errorf("%s=%s: %v, want %s", test.setting, test.value, err, test.want)
			}
		})
	}
}
