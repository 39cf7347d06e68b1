package main

import (
	"io"
	"os"
	"regexp"
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
	settingstest.CheckStack(t, "..", "backup", defaults)
	settingstest.CheckTable(t, "README.md", defaults)
}

func TestConfigRefuses(t *testing.T) {
	for _, test := range []struct{ setting, value, want string }{
		{"WOODY_BACKUP_KEY", "", "WOODY_BACKUP_KEY_FILE must name a file"},
		{"WOODY_BACKUP_KEY_FILE", "/none", "both WOODY_BACKUP_KEY and WOODY_BACKUP_KEY_FILE are set"},
		{"WOODY_BACKUP_SOURCES", "database", `WOODY_BACKUP_SOURCES has "database": write HOST:PORT`},
		{"WOODY_BACKUP_SOURCES", "a:1,", `WOODY_BACKUP_SOURCES has "": write HOST:PORT`},
		{"WOODY_BACKUP_TARGET", ":3306", `WOODY_BACKUP_TARGET has ":3306": write HOST:PORT`},
		{"WOODY_BACKUP_USER", "x`y", "WOODY_BACKUP_USER"},
		{"WOODY_BACKUP_WORK_DIR", "work", "write the whole path of a folder of its own"},
		{"WOODY_BACKUP_WORK_DIR", "/", "write the whole path of a folder of its own"},
		// BackupOld calls after 26 hours, and BackupLogsBehind after 10 minutes.
		{"WOODY_BACKUP_EVERY", "25h", "WOODY_BACKUP_EVERY must be from 1s to 24h"},
		{"WOODY_BACKUP_SHIP_EVERY", "6m", "WOODY_BACKUP_SHIP_EVERY must be from 100ms to 5m"},
		{"WOODY_BACKUP_KEEP", "-1h", "WOODY_BACKUP_KEEP must be from 0s"},
	} {
		t.Run(test.setting, func(t *testing.T) {
			t.Setenv("WOODY_BACKUP_KEY", "x")
			t.Setenv(test.setting, test.value)
			if _, _, err := parseConfig(nil, io.Discard, io.Discard); err == nil ||
				!strings.Contains(strings.Join(strings.Fields(err.Error()), " "), test.want) {
				t.Errorf("%s=%s: %v, want %s", test.setting, test.value, err, test.want)
			}
		})
	}
}

// TestMetricsAreDescribed checks the metrics against those that the operator's page names.
func TestMetricsAreDescribed(t *testing.T) {
	page, err := os.ReadFile("../docs/backup.md")
	if err != nil {
		t.Fatal(err)
	}
	families, err := newMetrics().registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{"woody_backup_duration_seconds": true} // which is there once something has ended
	for _, family := range families {
		names[family.GetName()] = true
		if strings.HasPrefix(family.GetName(), "woody_") && !strings.Contains(string(page), "`"+family.GetName()+"`") {
			t.Errorf("docs/backup.md does not name %s", family.GetName())
		}
	}
	for _, name := range regexp.MustCompile(`woody_backup_\w+`).FindAllString(string(page), -1) {
		if !names[name] {
			t.Errorf("docs/backup.md names %s, which is no metric", name)
		}
	}
}
