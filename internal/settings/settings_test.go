package settings_test

import (
	"bytes"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/settings"
)

// config is a program's settings, with names that are in the list.
type config struct {
	settings.Server
	Mode  string        `env:"WOODY_FRONT" default:"auto" oneof:"auto,on,off"`
	Slots int           `env:"WOODY_HEAVY_SLOTS" default:"2" min:"1" max:"10"`
	Lease time.Duration `env:"WOODY_CACHE_LEASE" default:"1s" min:"100ms"`
}

var program = settings.Program{
	Name: "program",
	Help: map[string]string{"WOODY_FRONT": "A mode.", "WOODY_HEAVY_SLOTS": "Slots.", "WOODY_CACHE_LEASE": "A lease."},
}

func parse(args ...string) (cfg config, command string, err error) {
	command, err = program.Parse(&cfg, args, io.Discard, io.Discard)
	return cfg, command, err
}

func TestParse(t *testing.T) {
	t.Setenv("WOODY_FRONT", "")        // not set
	t.Setenv("WOODY_HEAVY_SLOTS", "3") // a flag goes before
	t.Setenv("WOODY_CACHE_LEASE", "2s")
	t.Setenv("WOODY_LOG_FORMAT", "JSON")
	cfg, command, err := parse("healthcheck", "--slots=4", "--replica-id=me")
	if err != nil || command != "healthcheck" {
		t.Fatalf("command = %q, %v", command, err)
	}
	if cfg.Mode != "auto" || cfg.Slots != 4 || cfg.Lease != 2*time.Second || cfg.LogFormat != "json" ||
		cfg.ReplicaID != "me" || cfg.Addr != ":8080" {
		t.Errorf("the settings are %+v", cfg)
	}
	if cfg, command, err := parse(); err != nil || command != "serve" || cfg.ReplicaID == "" {
		t.Errorf("without arguments: %q, %q, %v; want serve, and a name", command, cfg.ReplicaID, err)
	}
}

// TestDefaultAddr checks that a program can have another default for WOODY_ADDR.
func TestDefaultAddr(t *testing.T) {
	elsewhere := program
	elsewhere.Addr = ":8082"
	for want, args := range map[string][]string{":8082": nil, ":9": {"--addr=:9"}} {
		var cfg config
		if _, err := elsewhere.Parse(&cfg, args, io.Discard, io.Discard); err != nil || cfg.Addr != want {
			t.Errorf("%v: listens on %s, %v, want %s", args, cfg.Addr, err, want)
		}
	}
	if defaults, err := elsewhere.Defaults(&config{}); err != nil || defaults["WOODY_ADDR"] != ":8082" {
		t.Errorf("the default is %q, %v", defaults["WOODY_ADDR"], err)
	}
}

// TestWrongSettings checks that every wrong setting is named, with what is allowed.
func TestWrongSettings(t *testing.T) {
	t.Setenv("WOODY_FRONT", "onn")
	t.Setenv("WOODY_HEAVY_SLOTS", "11")
	t.Setenv("WOODY_CACHE_LEASE", "99ms")
	t.Setenv("WOODY_ADDR", "8080")
	t.Setenv("WOODY_REPLICA_ID", "é")
	_, _, err := parse()
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		`WOODY_FRONT is "onn": write auto, on or off`, "WOODY_HEAVY_SLOTS must be from 1 to 10, not 11",
		"WOODY_CACHE_LEASE must be 100ms or more, such as 500ms, not 99ms", `WOODY_ADDR is "8080": write HOST:PORT`,
		"WOODY_REPLICA_ID may hold printable ASCII",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v\ndoes not say %s", err, want)
		}
	}
	t.Setenv("WOODY_CACHE_LEASE", "soon")
	if _, command, err := parse(); err == nil || command != "" || !strings.Contains(err.Error(), "WOODY_CACHE_LEASE") {
		t.Errorf("a time that is none: %q, %v", command, err)
	}
}

// TestEverySettingHasHelp leaves one without.
func TestEverySettingHasHelp(t *testing.T) {
	if _, err := (settings.Program{Name: "program"}).Parse(&config{}, nil, io.Discard, io.Discard); err == nil ||
		!strings.Contains(err.Error(), "WOODY_FRONT must have help") {
		t.Errorf("a setting without help: %v", err)
	}
}

func TestWarnOfUnknown(t *testing.T) {
	t.Setenv("WOODY_HEAVY_DELY", "1s")
	t.Setenv("WOODY_CDN_ORIGIN", "front:8080") // another program's
	t.Setenv("WOODYTEST", "x")
	var log bytes.Buffer
	settings.WarnOfUnknown(slog.New(slog.NewTextHandler(&log, nil)))
	if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "variable=WOODY_HEAVY_DELY") {
		t.Errorf("warned of %q, want WOODY_HEAVY_DELY alone", got)
	}
	err := settings.RefuseUnknown()
	if err == nil || err.Error() != "there is no setting WOODY_HEAVY_DELY (see --help)" {
		t.Errorf("refused is %v, want WOODY_HEAVY_DELY alone", err)
	}
}

// TestSecret reads a secret from its setting and from its file, which must have one.
func TestSecret(t *testing.T) {
	file := func(content string) string {
		name := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	for _, row := range []struct{ value, file, want, err string }{
		{"", "", "", ""}, {"a", "", "a", ""}, {"", file(" a b\n"), "a b", ""},
		{"a", file("a"), "", "both WOODY_DB_DSN and WOODY_DB_DSN_FILE are set"},
		{"", file(""), "", "WOODY_DB_DSN_FILE: /"}, {"", file(" \n"), "", "secret is empty"},
		{"", file("a") + "/b", "", "WOODY_DB_DSN_FILE: "},
	} {
		got, err := settings.Secret("WOODY_DB_DSN", row.value, row.file)
		if got != row.want || (err != nil) != (row.err != "") || err != nil && !strings.Contains(err.Error(), row.err) {
			t.Errorf("of %q and %s: %q, %v; want %q, %s", row.value, row.file, got, err, row.want, row.err)
		}
	}
}
