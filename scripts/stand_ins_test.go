package scripts_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// builtOnStandIns is a docker with two stand-ins and an image that was built on one of them, which has its label.
const builtOnStandIns = `#!/bin/sh
case "$1 $2" in
"image ls") printf '%s\n' haproxy:3.0 debian:trixie-slim localhost/woodytoys/reverse-proxy:v1 ;;
"image inspect")
	for image; do :; done
	case $image in debian:*) echo woodytoys-stand-in/debian:13 ;; *) echo haproxy:3.0 ;; esac
	;;
"image rm") shift 2; echo "removed $*" ;;
esac
`

// TestRemovedStandIns checks that --remove leaves alone the shop's own images that were built on stand-ins.
func TestRemovedStandIns(t *testing.T) {
	t.Parallel()
	tools := t.TempDir()
	if err := servers.WriteScript(filepath.Join(tools, "docker"), builtOnStandIns); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("./offline-bases", "--remove")
	cmd.Env = append(os.Environ(), "PATH="+tools+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "removed haproxy:3.0 debian:trixie-slim" {
		t.Errorf("%v %s", err, out)
	}
}

// TestLocalSwarmNames checks that a name that could be that of another Swarm's node is refused.
func TestLocalSwarmNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"woody2", "2woody", "a-name-that-is-too-long", "-"} {
		cmd := exec.Command("./local-swarm", "down")
		cmd.Env = append(os.Environ(), "LOCAL_SWARM="+name)
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "with a letter at both ends") {
			t.Errorf("LOCAL_SWARM=%s: %v %s", name, err, out)
		}
	}
}
