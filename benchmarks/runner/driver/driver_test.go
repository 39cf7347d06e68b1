package driver

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/benchmarks/stage"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// TestAPortInUse deploys to a port at which something listens; nothing is deployed then.
func TestAPortInUse(t *testing.T) {
	taken, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	t.Setenv("DOCKER_HOST", "")
	swarm, err := NewSwarm(port)
	if err != nil {
		t.Fatal(err)
	}
	_, err = swarm.Start(context.Background(), stage.All[0], Config{})
	if want := fmt.Sprintf("port %d is in use: end what listens there", port); err == nil ||
		!strings.Contains(err.Error(), want) {
		t.Errorf("error = %v, want %q", err, want)
	}
	if len(swarm.stacks) > 0 {
		t.Errorf("stacks to end: %v", swarm.stacks)
	}
}

func TestTargets(t *testing.T) {
	for address, want := range map[string]string{
		"http://shop.example": "shop.example:80", "http://shop.example:8080": "shop.example:8080",
		"http://10.0.0.7:80/":  "10.0.0.7:80",
		"https://shop.example": "", "shop.example": "", "http://shop.example/api": "", "": "",
	} {
		target, err := NewTarget(address)
		if (err == nil) != (want != "") {
			t.Errorf("%q: %v", address, err)
			continue
		}
		if err == nil && target.running.Addr != want {
			t.Errorf("%q is at %s, want %s", address, target.running.Addr, want)
		}
	}
}

// TestASwarmsSettingsAreItsOwn checks that stages are deployed without the settings that a shell has for another stack.
func TestASwarmsSettingsAreItsOwn(t *testing.T) {
	for _, setting := range []string{"LOG_LEVEL", "BALANCE", "REDIS_MEMORY", "OTEL_EXPORTER_OTLP_ENDPOINT", "REGISTRY",
		"TAG", "DOCKER_CONFIG"} {
		t.Setenv(setting, "of the shell")
	}
	swarm, err := NewSwarm(1)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, setting := range swarm.environment() {
		if name, found := strings.CutSuffix(setting, "=of the shell"); found {
			left = append(left, name)
		}
	}
	slices.Sort(left)
	if got := strings.Join(left, " "); got != "DOCKER_CONFIG REGISTRY TAG" {
		t.Errorf("scripts/deploy has %s of the shell's", got)
	}
}

// TestPartsOfAStack checks that the processes of a stack are known where all of them are here, and else none.
func TestPartsOfAStack(t *testing.T) {
	for name, c := range map[string]struct {
		endpoint, tasks string
		want            int
	}{
		"all here":        {"unix:///run/docker.sock", "1 2", 2},
		"one elsewhere":   {"unix:///run/docker.sock", "1 2 3", 0},
		"another machine": {"ssh://shop.example.org", "1 2", 0},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := servers.WriteScript(filepath.Join(dir, "docker"), `#!/bin/sh
case $1 in
context) echo "$ENDPOINT" ;;
stack) echo "$TASKS" ;;
ps) echo a b ;;
inspect) printf 'woody_api 11\nwoody_redis 12\n' ;;
esac
`); err != nil {
				t.Fatal(err)
			}
			t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
			t.Setenv("ENDPOINT", c.endpoint)
			t.Setenv("TASKS", c.tasks)
			parts, err := (&Swarm{}).parts(t.Context(), "woody")
			if err != nil || len(parts) != c.want {
				t.Errorf("%v, %v; want %d", parts, err, c.want)
			}
		})
	}
}

// TestEntrances checks that a shop at an address is asked by a name, beside which there is a cdn. name.
func TestEntrances(t *testing.T) {
	for at, want := range map[string]struct{ host, addr, page, cdn string }{
		"10.0.0.7":       {"shop.test", "10.0.0.7:80", "http://shop.test/", "10.0.0.7:80"},
		"10.0.0.7:8080":  {"shop.test:8080", "10.0.0.7:8080", "http://shop.test:8080/", "10.0.0.7:8080"},
		"localhost:8080": {"localhost:8080", "127.0.0.1:8080", "http://localhost:8080/", "127.0.0.1:8080"},
		"shop.example":   {"shop.example", "shop.example:80", "http://shop.example/", "cdn.shop.example:80"},
	} {
		got := entrance(at)
		name, port, _ := strings.Cut(got.Host, ":")
		cdn := got.PageAddr("cdn." + name + ":" + cmp.Or(port, "80"))
		if got.Host != want.host || got.Addr != want.addr || got.PageURL != want.page || cdn != want.cdn {
			t.Errorf("%s: %+v, with its assets at %s; want %+v", at, *got, cdn, want)
		}
	}
}

func TestTheStacksCollectorsAreTaken(t *testing.T) {
	flags, err := nodeCollectors("../../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"--collector.disable-defaults", "--collector.cpu", "--collector.vmstat",
		"--collector.filesystem.mount-points-exclude=^/.+"} {
		if !slices.Contains(flags, want) {
			t.Errorf("collectors = %q, want %s too", flags, want)
		}
	}
	if all := strings.Join(flags, " "); strings.Contains(all, "$$") {
		t.Errorf("dollars are doubled: %s", all)
	}
}

// TestUnwatched checks that programs which are not installed are named.
func TestUnwatched(t *testing.T) {
	all := watchPrograms
	t.Cleanup(func() { watchPrograms = all })
	watchPrograms = []string{"woody-no-such-program"}
	if why := (&Local{}).Unwatched(); !strings.Contains(why, "woody-no-such-program is not installed") {
		t.Errorf("it says %q", why)
	}
}

func TestFirstVersion(t *testing.T) {
	for text, want := range map[string]string{
		"mariadbd  Ver 10.11.14-MariaDB-0+deb12u2 for debian-linux-gnu": "10.11.14",
		"Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0":    "7.0.15",
		"HAProxy version 2.6.12-1+deb12u2 2024/01/01":                   "2.6.12",
		"varnishd (varnish-7.1.1 revision 7cee1c581bead20e88d101ab3d72": "7.1.1",
		"nothing": "",
	} {
		if got := firstVersion(text); got != want {
			t.Errorf("firstVersion(%q) = %q, want %q", text, got, want)
		}
	}
}

// TestWithoutGaleraTheNodesAreLeftOut looks for a library that is not there.
func TestWithoutGaleraTheNodesAreLeftOut(t *testing.T) {
	before := galera
	defer func() { galera = before }()
	galera = t.TempDir() + "/missing"
	var local Local
	if why := local.Missing(stage.Named("database")); !strings.Contains(why, "scripts/need galera") {
		t.Errorf("stage database is left out since %q", why)
	}
	if why := local.Missing(stage.Named("redis")); why != "" {
		t.Errorf("stage redis is left out since %s", why)
	}
}
