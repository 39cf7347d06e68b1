package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// swapped is a docker whose one config is a dead holder's until it has been looked at, and then another's: that one was
// as fast as this process. The second config has the id new.
const swapped = `#!/bin/sh
cd "$(dirname "$0")"
case "$1 $2" in
"config create") [ ! -e holder ] || exit 1 ;;
"config inspect") cat holder; echo "elsewhere 7 new today" >holder ;;
"config rm") [ "$3" != new ] && [ "$3" != woody_autoscaler ] || rm holder ;;
esac
`

// TestLockOfAnotherStays checks that a lock that was taken over between the look at it and its removal is not removed.
func TestLockOfAnotherStays(t *testing.T) {
	dir := t.TempDir()
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	holder := filepath.Join(dir, "holder")
	for file, text := range map[string]string{filepath.Join(dir, "docker"): swapped,
		holder: host + " 999999999 old yesterday\n"} {
		if err := servers.WriteScript(file, text); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	only := lock{name: "woody_autoscaler"}
	if err := only.take(t.Context()); err == nil || !strings.Contains(err.Error(), "process 7 on elsewhere") {
		t.Errorf("take = %v, want the other one to be named", err)
	}
	if _, err := os.Stat(holder); err != nil {
		t.Errorf("the other one's lock is gone: %v", err)
	}
}
