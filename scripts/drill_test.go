package scripts_test

import (
	"slices"
	"strings"
	"testing"
)

// TestDrillLeavesTheShopAlone runs scripts/drill with the variables of a shop that runs, and wants nothing of that to
// be reached: not its backups, its port or its collector of traces.
func TestDrillLeavesTheShopAlone(t *testing.T) {
	t.Parallel()
	c := mustClaimTree(t, t.TempDir(), []string{"drill", "stack.sh"})
	c.write(t, "scripts/remove", "#!/bin/sh\n")
	c.write(t, "scripts/deploy", "#!/bin/sh\nenv >swarm/deployed\nexit 1\n")
	cmd := c.command("drill")
	cmd.Env = append(cmd.Env, "BACKUP_FOLDER=/mnt/backups", "BACKUP_REPOSITORY=s3:https://s3.example.org/woody",
		"HTTP_PORT=80", "SHOP_HOST=shop.example.org", "OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318", "TRACING=on",
		"RATE_LIMIT=50", "REGISTRY=registry.example.org/woodytoys")
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "the stack was not deployed") {
		t.Fatalf("%v %s", err, out)
	}
	deployed := strings.Split(mustRead(t, c.swarm+"/deployed"), "\n")
	for _, want := range []string{"BACKUP_FOLDER=backup", "BACKUP_REPOSITORY=/backup/repository", "HTTP_PORT=8099",
		"STACK=woody-drill", "TRACING=off", "REGISTRY=registry.example.org/woodytoys"} {
		if !slices.Contains(deployed, want) {
			t.Errorf("it is deployed without %s:\n%s", want, strings.Join(deployed, "\n"))
		}
	}
	for _, setting := range deployed {
		if strings.HasPrefix(setting, "OTEL_") || strings.HasPrefix(setting, "RATE_LIMIT=") ||
			strings.HasPrefix(setting, "SHOP_HOST=") {
			t.Errorf("it is deployed with %s", setting)
		}
	}
}

// TestDrillLooksWhereThingsAre refuses to begin where database or backup would be on another machine.
func TestDrillLooksWhereThingsAre(t *testing.T) {
	t.Parallel()
	c := mustClaimTree(t, t.TempDir(), []string{"drill", "stack.sh"})
	c.write(t, "swarm/machines", "node\nother\n")
	c.write(t, "scripts/deploy", "#!/bin/sh\necho deployed >>swarm/calls\nexit 1\n")
	output, err := c.run("drill")
	if err == nil || !strings.Contains(output, "woody.database is not") || c.called("deployed") != 0 {
		t.Errorf("%v %s", err, output)
	}
}
